"""Tells as JSON which account and region `sam deploy` would go to, and how many Lambda functions may run there at once.

Arguments: the profile and the region that `sam deploy` was told, each "-" where it was told none. What is missing is told as
`trouble`: `region`, `credentials`, `profile`, `expired`, `denied` or `unreachable`.
"""

import json
import sys

import boto3
from botocore import config, exceptions

WAYS = config.Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}


def told(argument):
    return None if argument == "-" else argument


def account(profile, region):
    session = boto3.Session(profile_name=profile, region_name=region)
    if not session.region_name:
        return {"trouble": "region"}
    if session.get_credentials() is None:
        return {"trouble": "credentials"}
    found = {"region": session.region_name}
    found["account"] = session.client("sts", config=WAYS).get_caller_identity()["Account"]
    try:
        limit = session.client("lambda", config=WAYS).get_account_settings()["AccountLimit"]
        found["unreserved"] = limit.get("UnreservedConcurrentExecutions", limit.get("ConcurrentExecutions"))
    except exceptions.ClientError as error:
        # Whoever may deploy need not be allowed to ask this.
        found["unasked"] = error.response["Error"]["Code"]
    return found


def main():
    try:
        found = account(told(sys.argv[1]), told(sys.argv[2]))
    except exceptions.ProfileNotFound:
        found = {"trouble": "profile"}
    except (exceptions.TokenRetrievalError, exceptions.SSOError, exceptions.UnauthorizedSSOTokenError):
        found = {"trouble": "expired"}
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError):
        found = {"trouble": "credentials"}
    except exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        found = {"trouble": "expired" if code in EXPIRED else "denied", "code": code}
    except exceptions.BotoCoreError as error:
        found = {"trouble": "unreachable", "code": type(error).__name__}
    print(json.dumps(found))


main()
