"""What template.yaml must say and no deployment to the local cloud can show, because the emulator is kinder than AWS.

Each check is a function that yields one sentence per fault. template_mutations.py proves that every one of them can fail.
"""

import json
import pathlib
import re
import sys

import yaml

try:
    import tomllib
except ImportError:  # Python before 3.11; pip brings the same parser.
    from pip._vendor import tomli as tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
DAY = 86400

# Environment of each function beyond what all have; pushers are alike.
ENVIRONMENT = {
    "webhook": {"INBOX_URL"},
    "recorder": {"HASH_KEY_SECRET", "INBOX_URL", "READS_URL"},
    "reader": {"HASH_KEY_SECRET", "INBOX_URL", "READS_URL"},
    "operator": {"API_URL", "HASH_KEY_SECRET", "INBOX_URL", "INBOX_DEAD_URL", "READS_URL", "READS_DEAD_URL"},
    "push": {"QUEUE_URL"},
    "push-annexcloud": {"QUEUE_URL", "READS_URL"},
    "lookup": {"HASH_KEY_SECRET", "INBOX_URL", "READS_URL"},
    "upkeep": {"API_URL", "HASH_KEY_SECRET", "READS_URL"},
    "emit": {"HASH_KEY_SECRET", "INBOX_URL", "QUEUE_URL"},
}
# The hour, UTC, at which each emitter runs.
HOURS = {"emit-anniversaries": 11, "emit-birthdays": 13, "emit-reminders": 17}
# Those that must know every destination's queue.
KNOW_QUEUES = {"recorder", "operator", "upkeep"}
# Those that must know every destination's dead letters.
KNOW_DEAD = {"operator"}

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
CONSUME = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
WRITE = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
# All that each role may do.
ACTIONS = {
    "webhook": LOGS | {"secretsmanager:GetSecretValue", "sqs:SendMessage", "dynamodb:UpdateItem"},
    "recorder": LOGS | CONSUME | WRITE | {"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:Query",
                                          "secretsmanager:GetSecretValue", "sqs:ChangeMessageVisibility", "sqs:SendMessage"},
    "reader": LOGS | CONSUME | WRITE | {"secretsmanager:GetSecretValue", "sqs:ChangeMessageVisibility", "sqs:SendMessage"},
    "operator": LOGS | WRITE | {"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:Query", "secretsmanager:DescribeSecret",
                                "secretsmanager:GetSecretValue", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"},
    "push": LOGS | CONSUME | WRITE | {"dynamodb:DeleteItem", "secretsmanager:GetSecretValue", "sqs:ChangeMessageVisibility"},
    "push-annexcloud": LOGS | CONSUME | WRITE | {"dynamodb:DeleteItem", "secretsmanager:GetSecretValue", "sqs:ChangeMessageVisibility", "sqs:SendMessage"},
    "lookup": LOGS | WRITE | {"secretsmanager:GetSecretValue", "sqs:SendMessage"},
    "upkeep": LOGS | WRITE | {"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:Query", "secretsmanager:GetSecretValue", "sqs:SendMessage"},
    "emit": LOGS | CONSUME | {"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query",
                              "secretsmanager:GetSecretValue", "sqs:SendMessage"},
}
# Names of the secrets whose values each role may read, after the prefix; {} is the destination.
SECRETS = {"webhook": {"*/yotpo-webhook", "*/annexcloud-webhook"}, "recorder": {"hash-key"}, "reader": {"*/yotpo", "*/annexcloud", "hash-key"},
           "operator": {"*/{}", "*/yotpo", "*/annexcloud", "*/yotpo-webhook", "*/annexcloud-webhook", "*/gorgias-lookup", "hash-key"},
           "push": {"*/{}"}, "push-annexcloud": {"*/annexcloud"},
           "upkeep": {"*/{}", "*/gorgias-lookup", "hash-key"}, "lookup": {"*/gorgias-lookup", "*/annexcloud", "hash-key"},
           "emit": {"hash-key"}}

# What one account of the vendor takes, in requests per second.
PACE = {"rule": 2.5, "gorgias": 1.5, "annexcloud": 5}

# What the door's log may hold: nothing of the path, the query, the headers or the sender.
LOGGED = {"apiId", "error.responseType", "integrationLatency", "integrationStatus", "requestId", "requestTimeEpoch",
          "responseLatency", "routeKey", "status"}


class Loader(yaml.SafeLoader):
    """Reads the short forms (!Ref, !GetAtt, …) as their long ones."""


def long_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", long_form)


def load(path):
    return yaml.load(path.read_text(), Loader)


def walk(value):
    """Every mapping inside a value."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from walk(part)
    elif isinstance(value, list):
        for part in value:
            yield from walk(part)


def each(template, *types):
    """(logical name, resource, properties) of every resource of these types."""
    for name, resource in template["Resources"].items():
        if resource["Type"] in types:
            yield name, resource, resource.get("Properties", {})


def functions(template):
    """short name -> (logical name, resource, properties); the short name is what follows the stack's."""
    found = {}
    for name, resource, properties in each(template, "AWS::Serverless::Function", "AWS::Lambda::Function"):
        full = properties.get("FunctionName", {})
        text = full.get("Fn::Sub", name) if isinstance(full, dict) else full
        found[text.removeprefix("${AWS::StackName}-")] = (name, resource, properties)
    return found


def destinations(template):
    """destination -> the name that its condition and its resources carry."""
    return {name.removeprefix("push-"): name.removeprefix("push-").title().replace("-", "")
            for name in functions(template) if name.startswith("push-")}


def kind(function):
    if function in ENVIRONMENT:
        return function
    first = function.split("-")[0]
    return first if first in ("push", "emit") else function


def as_list(value):
    return value if isinstance(value, list) else [value]


def points_to(value):
    """The logical name behind a Ref or GetAtt."""
    if isinstance(value, dict):
        return value.get("Ref") or (value.get("Fn::GetAtt") or [None])[0]
    return None


def shape(template):
    if template.get("Transform") != "AWS::Serverless-2016-10-31":
        yield "Transform is not SAM's alone"
    for mapping in walk(template):
        for key in mapping:
            if str(key).startswith("Fn::ForEach"):
                yield f"{key}: SAM crashes on it"
    for name, _, _ in each(template, "AWS::Serverless::Api", "AWS::Serverless::HttpApi"):
        yield f"{name}: the emulator does not read SAM's OpenAPI body"
    for name, parameter in template["Parameters"].items():
        if "Description" not in parameter or "Default" not in parameter:
            yield f"parameter {name} has no description or no default"
    architecture = template["Parameters"]["Architecture"]
    if architecture["Default"] != "arm64" or set(architecture["AllowedValues"]) != {"arm64", "x86_64"}:
        yield "Architecture is not arm64 by default with x86_64 beside it"


def binaries(template):
    built = set()
    for manifest in (ROOT / "functions").glob("*/Cargo.toml"):
        built |= {file.stem for file in (manifest.parent / "src/bin").glob("*.rs")}
        if (manifest.parent / "src/main.rs").exists():
            built.add(manifest.parent.name)
    if set(functions(template)) != built:
        yield f"functions {sorted(functions(template))} are not the binaries {sorted(built)}"
    shared = template["Globals"]["Function"]
    for key, value in {"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": [{"Ref": "Architecture"}]}.items():
        if shared.get(key) != value:
            yield f"Globals: {key} is not {value}"
    for short, (name, resource, properties) in functions(template).items():
        if properties.get("CodeUri") != f"target/lambda/{short}/":
            yield f"{name}: CodeUri is not target/lambda/{short}/"
        if resource.get("Metadata", {}).get("SkipBuild") is not True:
            yield f"{name}: no SkipBuild, so `sam build` would try to compile it"
        for key in {"Runtime", "Handler", "Architectures"} & set(properties):
            yield f"{name}: {key} is said once, in Globals"
        if "ReservedConcurrentExecutions" in properties:
            yield f"{name}: reserved concurrency pushes messages into the dead-letter queue without one run"


def environment(template):
    everyone = set(template["Globals"]["Function"]["Environment"]["Variables"])
    if everyone != {"LOG_LEVEL", "SECRET_PREFIX", "STACK", "TABLE"}:
        yield f"Globals: environment is {sorted(everyone)}"
    names = {name.upper().replace("-", "_") for name in destinations(template)}
    queues, dead = {f"QUEUE_{name}" for name in names}, {f"DEAD_{name}" for name in names}
    for short, (name, _, properties) in functions(template).items():
        wanted = ENVIRONMENT.get(kind(short), set()) | (queues if short in KNOW_QUEUES else set()) | (dead if short in KNOW_DEAD else set())
        given = set(properties.get("Environment", {}).get("Variables", {}))
        if given != wanted:
            yield f"{name}: environment has {sorted(given)}, not {sorted(wanted)}"


def logs(template):
    for name, _, properties in each(template, "AWS::Logs::LogGroup"):
        if properties.get("RetentionInDays") != 30:
            yield f"{name}: not kept for 30 days"
    groups = {name for name, _, _ in each(template, "AWS::Logs::LogGroup")}
    for name, _, properties in functions(template).values():
        logging = properties.get("LoggingConfig", {})
        if logging.get("LogFormat") != "JSON" or points_to(logging.get("LogGroup")) not in groups:
            yield f"{name}: no JSON log in a log group of this template"


def mappings(template):
    queues = {name: properties for name, _, properties in each(template, "AWS::SQS::Queue")}
    served = []
    for name, _, _ in each(template, "AWS::Lambda::EventSourceMapping"):
        yield f"{name}: a mapping is written as its function's event, where these checks look"
    for short, (name, _, function) in functions(template).items():
        for event, declared in function.get("Events", {}).items():
            where, mapping = f"{name}.{event}", declared.get("Properties", {})
            if declared["Type"] != "SQS":
                yield f"{where}: no check knows events of type {declared['Type']}"
                continue
            queue = points_to(mapping.get("Queue"))
            served.append(queue)
            if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                yield f"{where}: no ReportBatchItemFailures, so every record reported as failed would be deleted"
            if not 2 <= mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0) <= 1000:
                yield f"{where}: no MaximumConcurrency between 2 and 1000"
            if not 1 <= mapping.get("BatchSize", 0) <= (10 if mapping.get("MaximumBatchingWindowInSeconds", 0) < 1 else 100):
                yield f"{where}: BatchSize is not from 1 to 10, or to 100 with a window of a second at least"
            if "FilterCriteria" in mapping:
                yield f"{where}: a filter deletes what it does not let through"
            need = 6 * function["Timeout"] + mapping.get("MaximumBatchingWindowInSeconds", 0)
            if not need <= queues.get(queue, {}).get("VisibilityTimeout", 30) <= 12 * 3600:
                yield f"{where}: visibility of {queue} is not between {need} s (6 x timeout + window) and 12 hours"
            sends = {points_to(resource) for statement in statements(template, short) if "sqs:SendMessage" in as_list(statement["Action"])
                     for resource in as_list(statement["Resource"])}
            if (queue in sends) != (function.get("RecursiveLoop") == "Allow"):
                yield f"{name}: AWS stops what has itself invoked at the sixteenth time, unless RecursiveLoop is Allow; nothing else may loop"
            if short.startswith("push-"):
                most = PACE.get(short.removeprefix("push-"), 0) * function["Timeout"] / 2
                if mapping.get("BatchSize", 0) > most:
                    yield f"{where}: at the vendor's pace a batch must not be larger than {most:g}"
    dead = {points_to(queue["RedrivePolicy"]["deadLetterTargetArn"]) for queue in queues.values() if "RedrivePolicy" in queue}
    for queue in set(queues) - dead:
        if served.count(queue) != 1:
            yield f"{queue}: read by {served.count(queue)} functions, not by one"
    for queue in dead & set(served):
        yield f"{queue}: a function reads this dead-letter queue"


def queues(template):
    found = {name: properties for name, _, properties in each(template, "AWS::SQS::Queue")}
    redrive = {name: properties.get("RedrivePolicy", {}) for name, properties in found.items()}
    dead = {points_to(policy.get("deadLetterTargetArn")) for policy in redrive.values()} - {None}
    for name, properties in found.items():
        if properties.get("SqsManagedSseEnabled") is not True:
            yield f"{name}: not encrypted"
        if properties.get("FifoQueue"):
            yield f"{name}: all queues are standard queues"
        if properties.get("MaximumMessageSize") != 1048576:
            yield f"{name}: the largest delivery does not fit"
        if not 0 <= properties.get("DelaySeconds", 0) <= 900:
            yield f"{name}: delay is over 15 minutes"
        if properties.get("MessageRetentionPeriod") != (14 if name in dead else 7) * DAY:
            yield f"{name}: retention is not 7 days, or 14 for dead letters"
        if name not in dead and (points_to(redrive[name].get("deadLetterTargetArn")) not in found
                                 or redrive[name].get("maxReceiveCount") != 100):
            yield f"{name}: no dead-letter queue after 100 receives"


def state(template):
    tables = list(each(template, "AWS::DynamoDB::Table"))
    if len(tables) != 1:
        yield f"{len(tables)} tables, not one"
    for name, resource, properties in tables:
        wanted = {
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
            "SSESpecification": {"SSEEnabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "GlobalSecondaryIndexes": [{
                "IndexName": "work",
                "KeySchema": [{"AttributeName": "wp", "KeyType": "HASH"}, {"AttributeName": "ws", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }],
        }
        for key, value in wanted.items():
            if properties.get(key) != value:
                yield f"{name}: {key} is not {value}"
    secrets = list(each(template, "AWS::SecretsManager::Secret"))
    for name, _, properties in secrets:
        if "GenerateSecretString" not in properties or "SecretString" in properties:
            yield f"{name}: a secret's value never stands in the template"
    for name, resource, _ in tables + secrets:
        if resource.get("DeletionPolicy") != "Retain" or resource.get("UpdateReplacePolicy") != "Retain":
            yield f"{name}: does not outlive the stack"


def door(template):
    routes = {properties["RouteKey"]: name for name, _, properties in each(template, "AWS::ApiGatewayV2::Route")}
    webhooks = {key for key in routes if key.startswith("POST /webhooks/")}
    if webhooks != {"POST /webhooks/{source}/{store}", "POST /webhooks/{source}/{store}/{token}"}:
        yield f"webhook routes are {sorted(webhooks)}"
    for name, resource, stage in each(template, "AWS::ApiGatewayV2::Stage"):
        settings = stage.get("RouteSettings", {})
        for key in sorted(webhooks):
            limits = settings.get(key, {})
            if min(limits.get("ThrottlingRateLimit", 0), limits.get("ThrottlingBurstLimit", 0)) < 1000:
                yield f"{name}: {key} takes less than 1000 a second, and what is refused there is lost"
        for key in set(settings) - webhooks:
            if settings[key].get("ThrottlingRateLimit", 1000) > 100:
                yield f"{name}: {key} is not a webhook and takes more than 100 a second"
        if not 0 < stage.get("DefaultRouteSettings", {}).get("ThrottlingRateLimit", 0) <= 100:
            yield f"{name}: routes without settings of their own are not throttled to 100 a second or less"
        for key in settings:
            if routes.get(key) not in as_list(resource.get("DependsOn", [])):
                yield f"{name}: does not wait for the route {key} that it has settings for"
        access = stage.get("AccessLogSettings", {})
        logged = set(re.findall(r"\$context\.([A-Za-z.]+)", access.get("Format", "")))
        if not {"routeKey", "status", "apiId"} <= logged or not logged <= LOGGED:
            yield f"{name}: the access log holds {sorted(logged)}"
        else:
            json.loads(access["Format"])
        if template["Resources"].get(points_to(access.get("DestinationArn")), {}).get("Type") != "AWS::Logs::LogGroup":
            yield f"{name}: the access log goes nowhere"
    for name, _, integration in each(template, "AWS::ApiGatewayV2::Integration"):
        if integration.get("PayloadFormatVersion") != "2.0" or integration.get("IntegrationType") != "AWS_PROXY":
            yield f"{name}: not a Lambda proxy of payload format 2.0"
    reach = {"WebhookFunction": ":${Api}/*/POST/webhooks/*", "GorgiasLookupFunction": ":${Api}/*/*/gorgias/*"}
    for name, _, permission in each(template, "AWS::Lambda::Permission"):
        own = reach.get(points_to(permission.get("FunctionName")), "nothing")
        if not permission.get("SourceArn", {}).get("Fn::Sub", "").endswith(own):
            yield f"{name}: more than this API's own routes may invoke the function"
    lookups = {key for key in routes if "/gorgias/" in key}
    if lookups != {"GET /gorgias/{store}/member", "POST /gorgias/{store}/member"}:
        yield f"routes for cards are {sorted(lookups)}"


def statements(template, function):
    """Policies of the function's role: written in it, or attached to it."""
    role = points_to(functions(template)[function][2].get("Role"))
    documents = [policy["PolicyDocument"] for policy in template["Resources"].get(role, {}).get("Properties", {}).get("Policies", [])]
    documents += [properties["PolicyDocument"] for _, _, properties in each(template, "AWS::IAM::Policy")
                  if {"Ref": role} in properties.get("Roles", [])]
    return [statement for document in documents for statement in as_list(document["Statement"])]


def within_reach(template, function, action):
    """Logical names of what the function may do this to."""
    properties = functions(template)[function][2]
    if action.startswith("logs:"):
        return {points_to(properties.get("LoggingConfig", {}).get("LogGroup"))}
    if action.startswith("dynamodb:"):
        return {name for name, _, _ in each(template, "AWS::DynamoDB::Table")}
    if action == "sqs:SendMessage":
        queues = {f"{name}Queue" for name in destinations(template).values()}
        known = {"recorder": queues | {"Reads"}, "upkeep": queues | {"Reads"}, "operator": queues | {"Inbox", "Reads"}, "reader": {"Inbox", "Reads"},
                 "lookup": {"Inbox", "Reads"}, "push-annexcloud": {"Reads"}}
        if function in HOURS:
            return {"Inbox", "EmitsDead", *(points_to(event["Properties"].get("Queue")) for event in properties["Events"].values())}
        return known.get(function, {"Inbox"})
    if function == "operator":
        # Only dead letters are taken out by hand: whatever waits in a queue is its function's.
        return {f"{name}Dead" for name in ["Inbox", "Reads", *destinations(template).values()]}
    return {points_to(event["Properties"].get("Queue")) for event in properties.get("Events", {}).values()}


def secret_behind(resource):
    """The name, after the prefix, of the secret that a statement's resource stands for, with or without its random end."""
    text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
    found = re.fullmatch(r"arn:\$\{AWS::Partition\}:secretsmanager:\$\{AWS::Region\}:\$\{AWS::AccountId\}"
                         r":secret:\$\{SecretPrefix\}/(.+)", str(text))
    return found and found[1].removesuffix("-??????")


def secrets_of(template, function):
    """Names, after the prefix, of the secrets whose values the function may read."""
    return {secret_behind(resource) for statement in statements(template, function)
            if "secretsmanager:GetSecretValue" in as_list(statement.get("Action", []))
            for resource in as_list(statement.get("Resource", [])) if secret_behind(resource)}


def roles(template):
    owners = [points_to(properties.get("Role")) for _, _, properties in functions(template).values()]
    schedulers = {points_to(properties["Target"].get("RoleArn")) for _, _, properties in each(template, "AWS::Scheduler::Schedule")}
    for name, _, properties in each(template, "AWS::IAM::Role"):
        if name in schedulers:
            continue
        if owners.count(name) != 1:
            yield f"{name}: not the role of exactly one function"
        if properties.get("ManagedPolicyArns"):
            yield f"{name}: managed policies reach further than this stack"
        trusted = [statement.get("Principal") for statement in properties["AssumeRolePolicyDocument"]["Statement"]]
        if trusted != [{"Service": "lambda.amazonaws.com"}]:
            yield f"{name}: trusts others than Lambda"
    for name, _, properties in each(template, "AWS::IAM::Policy"):
        if set(properties) - {"PolicyName", "PolicyDocument", "Roles"}:
            yield f"{name}: a policy is for roles"
    for name, _, _ in each(template, "AWS::IAM::ManagedPolicy", "AWS::IAM::User", "AWS::IAM::Group", "AWS::SQS::QueuePolicy"):
        yield f"{name}: no check knows what it permits"
    for short, (name, _, properties) in functions(template).items():
        if "Role" not in properties or "Policies" in properties:
            yield f"{name}: SAM would make a role that may read every queue of the account"
        allowed, readable, sendable = set(), secrets_of(template, short), set()
        for statement in statements(template, short):
            if statement.get("Effect") != "Allow" or {"NotAction", "NotResource"} & set(statement):
                yield f"{name}: a statement that says what is not allowed"
            actions = set(as_list(statement.get("Action", [])))
            allowed |= actions
            for resource in as_list(statement.get("Resource", [])):
                if points_to(resource) in template["Resources"]:
                    sendable |= {points_to(resource)} if "sqs:SendMessage" in actions else set()
                    for action in actions:
                        if points_to(resource) not in within_reach(template, short, action):
                            yield f"{name}: may {action} on {points_to(resource)}"
                    continue
                text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
                if text == "${Table.Arn}/index/work" and actions == {"dynamodb:Query"}:
                    continue
                if not secret_behind(resource):
                    yield f"{name}: may reach {resource}, which is not one resource of this stack"
        if allowed != ACTIONS.get(kind(short), set()):
            yield f"{name}: may {sorted(allowed ^ ACTIONS.get(kind(short), set()))} more or less than it needs"
        if "sqs:SendMessage" in allowed and sendable != within_reach(template, short, "sqs:SendMessage"):
            yield f"{name}: may send to {sorted(sendable)}, not to all that it has messages for"
        called = destinations(template) if short in {"operator", "upkeep"} else [short.removeprefix("push-")]
        wanted = {secret.format(name) for secret in SECRETS.get(kind(short), set()) for name in called}
        if readable != wanted:
            yield f"{name}: may read the secrets {sorted(readable)}, not {sorted(wanted)}"
    for function, own in {"webhook": ["STORE#*"], "lookup": ["STORE#*", "ACCOUNT#*"]}.items():
        for statement in statements(template, function):
            rows = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
            if "dynamodb:UpdateItem" in as_list(statement["Action"]) and rows != own:
                yield f"{function} may write rows of members"


def schedules(template):
    for name, _, properties in each(template, "AWS::Scheduler::Schedule"):
        target = properties["Target"]
        function = points_to(target.get("Arn"))
        role = template["Resources"].get(points_to(target.get("RoleArn")), {}).get("Properties", {})
        allowed = [statement for policy in role.get("Policies", []) for statement in policy["PolicyDocument"]["Statement"]]
        wanted = [("lambda:InvokeFunction", function)]
        if "DeadLetterConfig" in target:
            wanted.append(("sqs:SendMessage", points_to(target["DeadLetterConfig"].get("Arn"))))
        if [(statement["Action"], points_to(statement["Resource"])) for statement in allowed] != wanted:
            yield f"{name}: its role may do more or less than invoke its function and tell of what it could not"
        trust = role.get("AssumeRolePolicyDocument", {}).get("Statement", [{}])
        if len(trust) != 1 or trust[0].get("Principal") != {"Service": "scheduler.amazonaws.com"} or "Condition" not in trust[0]:
            yield f"{name}: others than this account's scheduler may take its role"
        if "RetryPolicy" not in target:
            yield f"{name}: the scheduler would try for a whole day"
    upkeep = functions(template).get("upkeep")
    if upkeep and upkeep[2].get("Timeout", 0) >= 300:
        yield "upkeep may run longer than its schedule's five minutes"
    runs = [properties["ScheduleExpression"] for _, _, properties in each(template, "AWS::Scheduler::Schedule")
            if upkeep and points_to(properties["Target"].get("Arn")) == upkeep[0]]
    if runs != ["rate(5 minutes)"]:
        yield f"upkeep runs at {runs}, not every five minutes"
    for short, hour in HOURS.items():
        function, _, properties = functions(template).get(short, ("", {}, {}))
        told = properties.get("EventInvokeConfig", {}).get("DestinationConfig", {}).get("OnFailure", {})
        if told.get("Type") != "SQS" or points_to(told.get("Destination")) != "EmitsDead":
            yield f"{short}: nobody is told of a run that failed, because the scheduler does not see it"
        runs = [(own["ScheduleExpression"], own.get("ScheduleExpressionTimezone"), points_to(own["Target"].get("DeadLetterConfig", {}).get("Arn")))
                for _, _, own in each(template, "AWS::Scheduler::Schedule") if points_to(own["Target"].get("Arn")) == function]
        if runs != [(f"cron(0 {hour} * * ? *)", "UTC", "EmitsDead")]:
            yield f"{short} runs at {runs}, not once a day at {hour}:00 UTC with dead letters"


def dimensions(properties):
    return {entry["Name"]: points_to(entry["Value"]) or entry["Value"] for entry in properties.get("Dimensions", [])}


def alarms(template):
    told = [(name, properties) for name, _, properties in each(template, "AWS::CloudWatch::Alarm")]
    for name, properties in told:
        if properties.get("AlarmActions") != [{"Ref": "AlarmTopic"}]:
            yield f"{name}: tells nobody"
        silent = "breaching" if properties.get("MetricName") == "Invocations" else "notBreaching"
        if properties.get("TreatMissingData") != silent:
            yield f"{name}: rings when nothing happened, or not when nothing happened and should have"
        if not properties.get("AlarmDescription"):
            yield f"{name}: does not say what it means"
        if "Metrics" in properties:
            yield f"{name}: the emulator refuses metric math"
    watched = [(properties.get("Namespace"), properties.get("MetricName"), dimensions(properties)) for _, properties in told]
    wanted = [("AWS/ApiGateway", "5xx", {"ApiId": "Api"}), ("LoyaltyBridge", "DoorThrottled", {"ApiId": "Api"}),
              ("LoyaltyBridge", "Notices", {"Stack": "AWS::StackName"}), ("LoyaltyBridge", "EmitDropped", {"Stack": "AWS::StackName"}), ("LoyaltyBridge", "ReadsStopped", {"Stack": "AWS::StackName"}),
              ("LoyaltyBridge", "CardsUnavailable", {"Stack": "AWS::StackName"}), ("LoyaltyBridge", "IntegrationsDisabled", {"Stack": "AWS::StackName"})]
    wanted += [("AWS/Lambda", "Errors", {"FunctionName": name}) for name, _, _ in functions(template).values()]
    wanted += [("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": points_to(properties["RedrivePolicy"]["deadLetterTargetArn"])})
               for _, _, properties in each(template, "AWS::SQS::Queue") if "RedrivePolicy" in properties]
    wanted += [("LoyaltyBridge", metric, {"Stack": "AWS::StackName", "Destination": name})
               for name in destinations(template) for metric in ("Rejected", "LinesClosed", "OldestParkedSeconds")]
    wanted += [("AWS/Lambda", "Invocations", {"FunctionName": points_to(properties["Target"].get("Arn"))})
               for _, _, properties in each(template, "AWS::Scheduler::Schedule")]
    for alarm in wanted:
        if alarm not in watched:
            yield f"no alarm for {alarm}"
    code = "".join(file.read_text() for folder in ("shared", "functions") for file in sorted((ROOT / folder).rglob("*.rs")))
    for namespace, metric, _ in watched:
        if namespace == "LoyaltyBridge" and metric != "DoorThrottled" and f"Metric::{metric}" not in code:
            yield f"nothing counts {metric}"
    counted = [(transformation, properties) for _, _, properties in each(template, "AWS::Logs::MetricFilter")
               for transformation in properties["MetricTransformations"]]
    if not any(entry["MetricName"] == "DoorThrottled" and entry["MetricNamespace"] == "LoyaltyBridge"
               and entry.get("Dimensions") == [{"Key": "ApiId", "Value": "$.apiId"}]
               and properties["FilterPattern"] == '{ $.status = "429" }' for entry, properties in counted):
        yield "nothing counts the door's 429"
    for name, resource, properties in each(template, "AWS::SNS::Topic"):
        if "KmsMasterKeyId" in properties:
            yield f"{name}: CloudWatch may not use the topic's key"
    mailed = [(resource.get("Condition"), properties.get("Protocol"), points_to(properties.get("Endpoint")), points_to(properties.get("TopicArn")))
              for _, resource, properties in each(template, "AWS::SNS::Subscription")]
    if mailed != [("HasAlarmEmail", "email", "AlarmEmail", "AlarmTopic")]:
        yield "AlarmEmail is not told of the alarms"


def dashboard(template):
    bodies = [properties["DashboardBody"] for _, _, properties in each(template, "AWS::CloudWatch::Dashboard")]
    if len(bodies) != 1:
        yield f"{len(bodies)} dashboards, not one"
    for body in bodies:
        text = json.dumps(json.loads(body["Fn::Sub"]))
        names = [properties["QueueName"]["Fn::Sub"] for _, _, properties in each(template, "AWS::SQS::Queue")]
        for name in names + [f"${{AWS::StackName}}-{short}" for short in functions(template)]:
            if f'"{name}"' not in text:
                yield f"the dashboard does not show {name}"


def optional(template):
    """Nobody pays for a destination that is switched off."""
    for destination, name in destinations(template).items():
        condition = f"With{name}"
        if template["Conditions"].get(condition) != {"Fn::Equals": [{"Ref": condition}, "true"]}:
            yield f"{condition} does not follow the parameter of that name"
        if template["Parameters"].get(condition, {}).get("AllowedValues") != ["true", "false"]:
            yield f"no parameter {condition}"
        for part in ("Resources", "Outputs"):
            for logical, entry in template[part].items():
                ours = logical.removeprefix("Push").startswith(name)
                if ours and entry.get("Condition") != condition:
                    yield f"{logical}: is there without {condition}"
                if not ours and entry.get("Condition") == condition:
                    yield f"{logical}: belongs to {destination} and does not carry its name"


def configuration(template):
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())
    yield from configuration_faults(template, settings)


def configuration_faults(template, settings):
    prefixes, stacks = [], []
    for environment in ("default", "staging", "local"):
        deploy = settings.get(environment, {}).get("deploy", {}).get("parameters", {})
        for key, value in {"resolve_s3": True, "confirm_changeset": False, "fail_on_empty_changeset": False,
                           "capabilities": "CAPABILITY_IAM"}.items():
            if deploy.get(key) != value:
                yield f"samconfig {environment}: {key} is not {value}, so `sam deploy` would ask or fail"
        given = dict(entry.split("=", 1) for entry in deploy.get("parameter_overrides", []))
        for name in set(given) - set(template["Parameters"]):
            yield f"samconfig {environment}: the template has no parameter {name}"
        prefixes.append(given.get("SecretPrefix"))
        stacks.append(deploy.get("stack_name"))
    if len(set(prefixes)) != 3 or len(set(stacks)) != 3 or None in prefixes + stacks:
        yield "samconfig: two environments share a stack or its secrets"


def rows(text, heading):
    """The cells of the tables between a heading and the next one."""
    section = re.split(r"\n## ", text.split(f"\n{heading}\n", 1)[1], maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [line.strip("| ").split(" | ") for line in lines]


def readme(template):
    yield from readme_faults(template, (ROOT / "README.md").read_text())


def readme_functions(template, text):
    """When each function runs, how long at most, and how much of a queue it takes."""
    listed = {name: row[1] for row in rows(text, "## The functions") for name in re.findall(r"`([a-z-]+)`", row[0])}
    for name in sorted(set(listed) ^ set(functions(template))):
        yield f"README: the function {name} stands either in the template or in the list of functions"
    for name, (_, _, function) in functions(template).items():
        wanted = [f"{function['Timeout']} s"]
        # What an emitter takes from its queue is the rest of its own run.
        queues = [] if name.startswith("emit-") else function.get("Events", {}).values()
        for properties in (queue["Properties"] for queue in queues):
            wanted += [f"up to {properties['BatchSize']} ", f"up to {properties['ScalingConfig']['MaximumConcurrency']} batches at once"]
        for words in wanted:
            if words not in listed.get(name, ""):
                yield f"README: of {name} it does not say {words!r}"


def readme_faults(template, text):
    """What the README says of parameters, of functions and of who reads which secret."""
    yield from readme_functions(template, text)
    said = {row[0].strip("`"): row[1].strip("`") for row in rows(text, "## Deploying to AWS")}
    meant = {name: parameter["Default"] or "empty" for name, parameter in template["Parameters"].items()}
    for name in sorted(set(said.items()) ^ set(meant.items())):
        yield f"README: the parameter {name[0]} is not by default {name[1]} in both README and template"
    readers = {}
    for short in functions(template):
        for name in secrets_of(template, short):
            readers.setdefault(name, set()).add(short)
    said = {row[0].strip("`").removeprefix("<prefix>/").replace("<store>", "*"): set(row[2].split(", "))
            for row in rows(text, "## Secrets")}
    for name in sorted(set(said) | set(readers)):
        if said.get(name) != readers.get(name):
            yield f"README: {name} is read by {sorted(readers.get(name, []))}, not by {sorted(said.get(name, []))}"


CHECKS = [shape, binaries, environment, logs, mappings, queues, state, door, roles, schedules, alarms, dashboard, optional, configuration,
          readme]


def faults(template):
    return [f"{check.__name__}: {fault}" for check in CHECKS for fault in check(template)]


def main():
    found = faults(load(ROOT / "template.yaml"))
    for fault in found:
        print(f"  {fault}")
    print(f"{len(CHECKS)} checks, {len(found)} faults")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
