"""The loop that AWS's own runtime runs around a handler, without what it does beside: it is lighter, and so in Python's favour."""

import http.client
import json
import os

from handler import handle

VERSION = "/2018-06-01/runtime/invocation"


def main():
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        api.request("GET", f"{VERSION}/next")
        invocation = api.getresponse()
        event = json.loads(invocation.read())
        number = invocation.headers["lambda-runtime-aws-request-id"]
        try:
            path, body = "response", handle(event, None)
        except Exception as error:  # As AWS's runtime does: whatever went wrong is reported, and the loop goes on.
            path, body = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
        api.request("POST", f"{VERSION}/{number}/{path}", json.dumps(body).encode())
        api.getresponse().read()


main()
