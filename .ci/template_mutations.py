"""Breaks the template in memory, one fault at a time, and demands that template_assertions.py sees each."""

import copy
import sys

import template_assertions as assertions

GONE = object()
RECORDER = "Resources.RecorderFunction.Properties"
WEBHOOK = "Resources.WebhookFunction.Properties"
PUSH = "Resources.PushRuleFunction.Properties"
MAPPING = f"{RECORDER}.Events.Inbox.Properties"
STAGE = "Resources.Stage.Properties"
ROUTE = "POST /webhooks/{source}/{store}"
WEBHOOK_MAY = "Resources.WebhookRole.Properties.Policies.0.PolicyDocument.Statement"
RECORDER_MAY = "Resources.RecorderRole.Properties.Policies.0.PolicyDocument.Statement"
OPERATOR_MAY = "Resources.OperatorRole.Properties.Policies.0.PolicyDocument.Statement"
READER = "Resources.ReaderFunction.Properties"
READER_MAY = "Resources.ReaderRole.Properties.Policies.0.PolicyDocument.Statement"
PUSH_MAY = "Resources.PushRuleRole.Properties.Policies.0.PolicyDocument.Statement"
LOOKUP_MAY = "Resources.GorgiasLookupRole.Properties.Policies.0.PolicyDocument.Statement"
ALARM = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmActions": [{"Ref": "AlarmTopic"}], "AlarmDescription": "x",
                                                          "TreatMissingData": "notBreaching"}}

# check that must speak, path, new value
MUTATIONS = [
    ("shape", "Transform", ["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"]),
    ("shape", "Resources.Loop", {"Type": "AWS::SNS::Topic", "Properties": {"Fn::ForEach::All": []}}),
    ("shape", "Resources.Sam", {"Type": "AWS::Serverless::HttpApi"}),
    ("shape", "Parameters.LogLevel.Description", GONE),
    ("shape", "Parameters.LogLevel.Default", GONE),
    ("shape", "Parameters.Architecture.Default", "x86_64"),
    ("binaries", f"{RECORDER}.FunctionName", {"Fn::Sub": "${AWS::StackName}-writer"}),
    ("binaries", f"{RECORDER}.CodeUri", "target/lambda/webhook/"),
    ("binaries", "Resources.RecorderFunction.Metadata", GONE),
    ("binaries", f"{RECORDER}.Handler", "main"),
    ("binaries", f"{RECORDER}.ReservedConcurrentExecutions", 5),
    ("binaries", "Globals.Function.Runtime", "provided.al2"),
    ("binaries", "Globals.Function.Architectures", ["arm64"]),
    ("environment", "Globals.Function.Environment.Variables.TABLE", GONE),
    ("environment", "Globals.Function.Environment.Variables.AWS_ENDPOINT_URL", "http://127.0.0.1"),
    ("environment", f"{WEBHOOK}.Environment.Variables.INBOX_URL", GONE),
    ("environment", f"{RECORDER}.Environment.Variables.QUEUE_RULE", GONE),
    ("environment", "Resources.OperatorFunction.Properties.Environment.Variables.DEAD_RULE", GONE),
    ("environment", f"{PUSH}.Environment.Variables.BRIDGE_RULE_URL", "http://127.0.0.1"),
    ("environment", f"{READER}.Environment.Variables.READS_URL", GONE),
    ("logs", "Resources.RecorderLog.Properties.RetentionInDays", GONE),
    ("logs", f"{RECORDER}.LoggingConfig", GONE),
    ("logs", f"{RECORDER}.LoggingConfig.LogFormat", "Text"),
    ("mappings", "Resources.ReaderFunction.Properties.RecursiveLoop", GONE),
    ("mappings", "Resources.EmitBirthdaysFunction.Properties.RecursiveLoop", "Terminate"),
    ("mappings", "Resources.RecorderFunction.Properties.RecursiveLoop", "Allow"),
    ("mappings", f"{MAPPING}.FunctionResponseTypes", GONE),
    ("mappings", f"{MAPPING}.ScalingConfig", GONE),
    ("mappings", f"{MAPPING}.BatchSize", 100),
    ("mappings", f"{MAPPING}.FilterCriteria", {}),
    ("mappings", f"{MAPPING}.MaximumBatchingWindowInSeconds", 5),
    ("mappings", f"{MAPPING}.Queue", {"Fn::GetAtt": ["InboxDead", "Arn"]}),
    ("mappings", f"{RECORDER}.Events.Tick", {"Type": "Schedule"}),
    ("mappings", f"{RECORDER}.Timeout", 61),
    ("mappings", f"{READER}.Timeout", 121),
    ("mappings", f"{READER}.Events.Queue.Properties.ScalingConfig", GONE),
    ("mappings", "Resources.Inbox.Properties.VisibilityTimeout", GONE),
    ("mappings", "Resources.RuleQueue.Properties.VisibilityTimeout", 43201),
    ("mappings", f"{PUSH}.Timeout", 7),
    ("mappings", "Resources.Other", {"Type": "AWS::Lambda::EventSourceMapping"}),
    ("queues", "Resources.Inbox.Properties.SqsManagedSseEnabled", False),
    ("queues", "Resources.Inbox.Properties.FifoQueue", True),
    ("queues", "Resources.Inbox.Properties.MaximumMessageSize", 262144),
    ("queues", "Resources.Inbox.Properties.DelaySeconds", 901),
    ("queues", "Resources.Inbox.Properties.MessageRetentionPeriod", GONE),
    ("queues", "Resources.InboxDead.Properties.MessageRetentionPeriod", 604800),
    ("queues", "Resources.Inbox.Properties.RedrivePolicy.maxReceiveCount", 5),
    ("queues", "Resources.RuleQueue.Properties.RedrivePolicy", GONE),
    ("state", "Resources.Table.Properties.BillingMode", "PROVISIONED"),
    ("state", "Resources.Table.Properties.DeletionProtectionEnabled", GONE),
    ("state", "Resources.Table.Properties.SSESpecification", GONE),
    ("state", "Resources.Table.Properties.PointInTimeRecoverySpecification", GONE),
    ("state", "Resources.Table.Properties.TimeToLiveSpecification.AttributeName", "expires"),
    ("state", "Resources.Table.Properties.GlobalSecondaryIndexes", GONE),
    ("state", "Resources.Table.DeletionPolicy", "Delete"),
    ("state", "Resources.HashKey.UpdateReplacePolicy", GONE),
    ("state", "Resources.HashKey.Properties.SecretString", "x"),
    ("state", "Resources.Second", {"Type": "AWS::DynamoDB::Table"}),
    ("door", f"{STAGE}.RouteSettings.{ROUTE}.ThrottlingRateLimit", 500),
    ("door", f"{STAGE}.RouteSettings.{ROUTE}.ThrottlingBurstLimit", GONE),
    ("door", f"{STAGE}.RouteSettings.{ROUTE}", GONE),
    ("door", f"{STAGE}.RouteSettings.GET /lookup", {"ThrottlingRateLimit": 5000}),
    ("door", f"{STAGE}.DefaultRouteSettings", GONE),
    ("door", "Resources.Stage.DependsOn", ["WebhookRoute"]),
    ("door", f"{STAGE}.AccessLogSettings", GONE),
    ("door", f"{STAGE}.AccessLogSettings.Format", '{"a":"$context.apiId","r":"$context.routeKey","s":"$context.status","p":"$context.path"}'),
    ("door", f"{STAGE}.AccessLogSettings.DestinationArn", GONE),
    ("door", "Resources.WebhookTokenRoute", GONE),
    ("door", "Resources.WebhookIntegration.Properties.PayloadFormatVersion", "1.0"),
    ("door", "Resources.WebhookPermission.Properties.SourceArn", GONE),
    ("roles", f"{WEBHOOK_MAY}.2.Resource", "*"),
    ("roles", f"{WEBHOOK_MAY}.2.Action", "sqs:*"),
    ("roles", f"{WEBHOOK_MAY}.2.Resource", {"Fn::GetAtt": ["RuleQueue", "Arn"]}),
    ("roles", f"{WEBHOOK_MAY}.3.Condition", GONE),
    ("roles", f"{WEBHOOK_MAY}.1.Resource", {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretPrefix}/*"}),
    ("roles", f"{RECORDER_MAY}.0.Resource", {"Fn::GetAtt": ["WebhookLog", "Arn"]}),
    ("roles", f"{RECORDER_MAY}.1.Resource", {"Fn::GetAtt": ["RuleQueue", "Arn"]}),
    ("roles", f"{RECORDER_MAY}.3.Action", ["dynamodb:Scan"]),
    ("roles", f"{RECORDER_MAY}.3.Effect", "Deny"),
    ("roles", f"{OPERATOR_MAY}.2.Resource", {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretPrefix}/*"}),
    ("roles", f"{OPERATOR_MAY}.5.Resource", {"Fn::Sub": "${Table.Arn}/index/*"}),
    ("roles", f"{OPERATOR_MAY}.5.Action", "dynamodb:Scan"),
    ("roles", f"{OPERATOR_MAY}.6.Resource", {"Fn::GetAtt": ["Inbox", "Arn"]}),
    ("roles", f"{OPERATOR_MAY}.6.Action", ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"]),
    ("roles", "Resources.RuleRedrivePolicy.Properties.PolicyDocument.Statement.0.Resource", {"Fn::GetAtt": ["RuleQueue", "Arn"]}),
    ("roles", f"{RECORDER_MAY}.4.Resource", {"Fn::GetAtt": ["InboxDead", "Arn"]}),
    ("roles", f"{READER_MAY}.2.Resource", {"Fn::GetAtt": ["RuleQueue", "Arn"]}),
    ("roles", f"{READER_MAY}.3.Resource", {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretPrefix}/*/yotpo-webhook"}),
    ("roles", f"{READER_MAY}.4.Action", ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]),
    ("roles", f"{PUSH_MAY}.2.Resource", {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretPrefix}/*/yotpo"}),
    ("roles", f"{LOOKUP_MAY}.1.Resource", {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretPrefix}/*/gorgias"}),
    ("roles", f"{LOOKUP_MAY}.2.Resource", {"Fn::GetAtt": ["RuleQueue", "Arn"]}),
    ("roles", f"{LOOKUP_MAY}.4.Condition", GONE),
    ("roles", "Resources.PushAnnexcloudRole.Properties.Policies.0.PolicyDocument.Statement.4.Resource", {"Fn::GetAtt": ["Inbox", "Arn"]}),
    ("roles", "Resources.GorgiasVisitPolicy", GONE),
    ("door", "Resources.GorgiasPostRoute", GONE),
    ("door", "Resources.GorgiasPermission.Properties.SourceArn", {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*"}),
    ("environment", "Resources.GorgiasLookupFunction.Properties.Environment.Variables.READS_URL", GONE),
    ("environment", "Resources.PushAnnexcloudFunction.Properties.Environment.Variables.READS_URL", GONE),
    ("alarms", "Resources.GorgiasUnavailableAlarm", GONE),
    ("alarms", "Resources.GorgiasDisabledAlarm", GONE),
    ("optional", "Resources.GorgiasLookupFunction.Condition", GONE),
    ("mappings", "Resources.PushGorgiasFunction.Properties.Events.Queue.Properties.BatchSize", 100),
    ("roles", "Resources.RuleSendPolicy", GONE),
    ("roles", "Resources.RuleSendPolicy.Properties.Users", ["somebody"]),
    ("roles", "Resources.RecorderRole.Properties.ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ("roles", "Resources.RecorderRole.Properties.AssumeRolePolicyDocument.Statement.0.Principal", "*"),
    ("roles", f"{RECORDER}.Role", {"Fn::GetAtt": ["WebhookRole", "Arn"]}),
    ("roles", f"{RECORDER}.Policies", ["AmazonSQSFullAccess"]),
    ("roles", "Resources.Opened", {"Type": "AWS::SQS::QueuePolicy"}),
    ("alarms", "Resources.DoorFailedAlarm", GONE),
    ("alarms", "Resources.NoticesAlarm.Properties.Dimensions", GONE),
    ("alarms", "Resources.RuleLineClosedAlarm.Properties.Dimensions.1.Value", "insider"),
    ("alarms", "Resources.RuleLineClosedAlarm.Properties.MetricName", "Nothing"),
    ("alarms", "Resources.RuleParkedAlarm", GONE),
    ("alarms", "Resources.UpkeepSilentAlarm", GONE),
    ("alarms", "Resources.ReadsStoppedAlarm", GONE),
    ("alarms", "Resources.ReadsDeadAlarm", GONE),
    ("alarms", "Resources.ReaderErrorsAlarm", GONE),
    ("alarms", "Resources.UpkeepSilentAlarm.Properties.TreatMissingData", "notBreaching"),
    ("schedules", "Resources.UpkeepSchedule", GONE),
    ("schedules", "Resources.UpkeepSchedule.Properties.ScheduleExpression", "rate(1 day)"),
    ("schedules", "Resources.UpkeepSchedule.Properties.Target.RetryPolicy", GONE),
    ("schedules", "Resources.UpkeepScheduleRole.Properties.AssumeRolePolicyDocument.Statement.0.Condition", GONE),
    ("schedules", "Resources.UpkeepScheduleRole.Properties.Policies.0.PolicyDocument.Statement.0.Resource", "*"),
    ("schedules", "Resources.UpkeepFunction.Properties.Timeout", 600),
    ("schedules", "Resources.EmitBirthdaysSchedule.Properties.ScheduleExpression", "cron(0 12 * * ? *)"),
    ("schedules", "Resources.EmitBirthdaysSchedule.Properties.ScheduleExpressionTimezone", "Europe/Oslo"),
    ("schedules", "Resources.EmitRemindersSchedule.Properties.Target.DeadLetterConfig", GONE),
    ("schedules", "Resources.EmitAnniversariesFunction.Properties.EventInvokeConfig.DestinationConfig", GONE),
    ("schedules", "Resources.EmitAnniversariesScheduleRole.Properties.Policies.0.PolicyDocument.Statement.1.Resource", {"Fn::GetAtt": ["Inbox", "Arn"]}),
    ("roles", "Resources.EmitRemindersRole.Properties.Policies.0.PolicyDocument.Statement.2.Resource", {"Fn::GetAtt": ["RuleQueue", "Arn"]}),
    ("roles", "Resources.EmitRemindersRole.Properties.Policies.0.PolicyDocument.Statement.4.Action", ["dynamodb:GetItem", "dynamodb:Scan"]),
    ("alarms", "Resources.EmitBirthdaysSilentAlarm", GONE),
    ("alarms", "Resources.EmitDroppedAlarm", GONE),
    ("alarms", "Resources.EmitsDeadAlarm", GONE),
    ("mappings", "Resources.PushRuleFunction.Properties.Events.Queue.Properties.MaximumBatchingWindowInSeconds", GONE),
    ("alarms", "Resources.InboxDeadAlarm.Properties.Dimensions.0.Value", {"Fn::GetAtt": ["Inbox", "QueueName"]}),
    ("alarms", "Resources.OperatorErrorsAlarm", GONE),
    ("alarms", "Resources.NoticesAlarm.Properties.AlarmActions", GONE),
    ("alarms", "Resources.NoticesAlarm.Properties.TreatMissingData", GONE),
    ("alarms", "Resources.NoticesAlarm.Properties.AlarmDescription", GONE),
    ("alarms", "Resources.NoticesAlarm.Properties.Metrics", []),
    ("alarms", "Resources.DoorThrottledFilter", GONE),
    ("alarms", "Resources.AlarmTopic.Properties.KmsMasterKeyId", "alias/aws/sns"),
    ("alarms", "Resources.AlarmSubscription.Properties.Endpoint", "alarms@example.com"),
    ("alarms", "Resources.AlarmSubscription.Condition", GONE),
    ("dashboard", "Resources.Dashboard", GONE),
    ("dashboard", "Resources.Dashboard.Properties.DashboardBody", {"Fn::Sub": "{}"}),
    ("optional", "Resources.RuleQueue.Condition", GONE),
    ("optional", "Resources.PushRuleFunction.Condition", GONE),
    ("optional", "Outputs.RuleQueueUrl.Condition", GONE),
    ("optional", "Resources.OddAlarm", ALARM | {"Condition": "WithRule"}),
    ("optional", "Conditions.WithRule", {"Fn::Equals": ["true", "true"]}),
    ("optional", "Parameters.WithRule", GONE),
]

CONFIGURATION = [
    ("default.deploy.parameters.resolve_s3", GONE),
    ("staging.deploy.parameters.confirm_changeset", True),
    ("local", GONE),
    ("default.deploy.parameters.parameter_overrides", ["SecretPrefix=loyalty-bridge-staging"]),
    ("default.deploy.parameters.parameter_overrides", ["SecretPrefix=loyalty-bridge", "Unknown=1"]),
]

# The README with one word replaced.
README = [
    ("| `LogLevel` | `info` |", "| `LogLevel` | `debug` |"),
    ("| `Architecture` |", "| `Machine` |"),
    ("| push-rule, upkeep, operator |", "| push-rule, operator |"),
    ("| `<prefix>/hash-key` |", "| `<prefix>/hash-keys` |"),
    ("| `recorder` | deliveries", "| `recorders` | deliveries"),
    ("up to 10 batches at once; 60 s |", "up to 10 batches at once; 61 s |"),
    ("up to 5 batches at once", "up to 6 batches at once"),
    ("up to 38 gathered", "up to 39 gathered"),
]


def broken(document, path, value):
    """A copy of the document with one value replaced, added or taken away."""
    copied = copy.deepcopy(document)
    *above, last = path.split(".")
    place = copied
    for step in above:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is GONE:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return copied


def main():
    template = assertions.load(assertions.ROOT / "template.yaml")
    settings = assertions.tomllib.loads((assertions.ROOT / "samconfig.toml").read_text())
    unseen = []
    for check, path, value in MUTATIONS:
        if not list(getattr(assertions, check)(broken(template, path, value))):
            unseen.append(f"{check} does not see {path}")
    for path, value in CONFIGURATION:
        if not list(assertions.configuration_faults(template, broken(settings, path, value))):
            unseen.append(f"configuration does not see {path}")
    readme = (assertions.ROOT / "README.md").read_text()
    for before, after in README:
        if readme.count(before) != 1 or not list(assertions.readme_faults(template, readme.replace(before, after))):
            unseen.append(f"readme does not see {before}")
    for fault in unseen:
        print(f"  {fault}")
    print(f"{len(MUTATIONS) + len(CONFIGURATION) + len(README)} mutations, {len(unseen)} unseen")
    return bool(unseen)


if __name__ == "__main__":
    sys.exit(main())
