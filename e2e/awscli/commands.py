"""Runs the AWS CLI's commands in one process: one a line comes in, with its
endpoint and directory, and what it printed goes out with its code, as JSON both."""

import contextlib
import io
import json
import os
import sys

from awscli.clidriver import create_clidriver


def run(driver, arguments):
    out, complaint = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaint):
        try:
            code = driver.main(arguments)
        except SystemExit as end:
            code = end.code
    return {"out": printed(out), "complaint": printed(complaint), "code": code or 0}


def printed(stream):
    stream.flush()
    return stream.buffer.getvalue().decode("utf-8")


def main():
    requests, answers = sys.stdin, sys.stdout
    sys.stdin = open(os.devnull, encoding="utf-8")
    driver, began = create_clidriver(), os.getcwd()
    print("ready", file=answers, flush=True)
    for line in requests:
        request = json.loads(line)
        os.environ["AWS_ENDPOINT_URL"] = request["endpoint"]
        os.chdir(request["directory"] or began)
        print(json.dumps(run(driver, request["arguments"])), file=answers, flush=True)


main()
