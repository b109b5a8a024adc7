"""Starts MiniStack with its queues on the test clock: visibility, delays and retention follow the file in BRIDGE_CLOCK_FILE.

It also asks for permission as AWS does where MiniStack alone would not: for a batch call on a queue that of the single call,
and for a call on the table with the leading keys that it names.

With BRIDGE_RECORD it writes there, a JSON line for each, what the roles may do, what was done under them, what each function
was given, answered and logged, and the secrets that were read: for the checks after an end-to-end run.

With --with-parent it ends when its standard input closes, so that it never outlives the test that started it.
"""

import json
import os
import re
import signal
import sys
import threading
import time as real
import types


class Shifted(types.ModuleType):
    """The module `time`, ahead by the seconds in the clock file."""

    def __getattr__(self, name):
        return getattr(real, name)

    def time(self):
        try:
            with open(os.environ["BRIDGE_CLOCK_FILE"]) as file:
                ahead = float(file.read() or 0)
        except (KeyError, OSError, ValueError):
            ahead = 0.0
        return real.time() + ahead


def end_with_parent():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if "--with-parent" in sys.argv:
    threading.Thread(target=end_with_parent, daemon=True).start()
del sys.argv[1:]

from ministack import app  # noqa: E402
from ministack.core import iam_actions, iam_evaluator  # noqa: E402
from ministack.core.responses import get_account_id  # noqa: E402
from ministack.services import iam, lambda_svc, secretsmanager, sqs  # noqa: E402

BATCH_CALLS = {f"{call}Batch": call for call in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")}
action_of = iam_actions._action_from_target
context_of = iam_actions.dynamodb_service_context
RECORD = os.environ.get("BRIDGE_RECORD")
recording = threading.Lock()
known = set()


def permission_of(headers):
    action = action_of(headers)
    return BATCH_CALLS.get(action, action)


def leading_keys(call):
    """The partition keys that a call on the table names."""
    for item in call.get("TransactItems", []):
        for part in item.values():
            yield from leading_keys(part)
    for attribute in {**call.get("Key", {}), **call.get("Item", {})}.items():
        if attribute[0] == "pk":
            yield attribute[1].get("S", "")
    for value in re.findall(r"^[wp][pk] = (:\w+)", call.get("KeyConditionExpression", "")):
        yield call["ExpressionAttributeValues"][value].get("S", "")


def context_with_keys(body):
    return {**context_of(body), "dynamodb:LeadingKeys": list(leading_keys(json.loads(body or b"{}")))}


def record(**line):
    with recording, open(RECORD, "a") as file:
        print(json.dumps(line), file=file)


def once(**line):
    """Records what may happen many times."""
    text = json.dumps(line)
    if text not in known:
        known.add(text)
        record(**line)


def role_of(arn):
    return arn.split("/")[1] if ":assumed-role/" in arn or ":role/" in arn else None


def record_grants():
    for role in iam._roles:
        for statement in sum(iam_evaluator._gather_role_policies(role, get_account_id()), []):
            once(role=role, effect=statement.effect, may=statement.actions, on=statement.resources, where=statement.conditions)


def recorded_enforce(key, action, service, region, resource_arn="*", service_context=None):
    denied = enforce(key, action, service, region, resource_arn=resource_arn, service_context=service_context)
    if role := role_of(iam_evaluator.caller_arn()):
        # What a key begins with says what kind of row it is; the rest may name a person.
        rows = sorted({name.split("#")[0] for name in (service_context or {}).get("dynamodb:LeadingKeys", [])})
        once(role=role, did=action, to=resource_arn, rows=rows, allowed=denied is None)
    return denied


def recorded_dispatch(func, config, event, *rest):
    record_grants()
    result = dispatch(func, config, event, *rest)
    record(function=config["FunctionName"], role=role_of(config["Role"]), event=event, answer=result.get("body"), log=result.get("log"))
    return result


def recorded_secret(data):
    answer = secret_of(data)
    if answer[0] == 200:
        once(secret=json.loads(answer[2])["SecretString"])
    return answer


iam_actions._action_from_target = permission_of
iam_actions.dynamodb_service_context = context_with_keys
sqs.time = Shifted("time")
if RECORD:
    enforce, dispatch, secret_of = iam_evaluator.enforce, lambda_svc._execute_function_dispatch, secretsmanager._get_secret_value
    iam_evaluator.enforce = recorded_enforce
    lambda_svc._execute_function_dispatch = recorded_dispatch
    secretsmanager._get_secret_value = recorded_secret
app.main()
