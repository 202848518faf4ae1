"""Makes the calls of calls.json through boto3 and through the AWS CLI, in one process.

Takes {"calls": [...], "endpoints": {"boto3": URL, "cli": URL}} on standard input and prints, for each client, its
answers in their order, and which members its own model of each answer has: clients are not all of the same age. For
a client that is not installed here, or is too old for a call, it prints why instead.
"""

import contextlib
import datetime
import io
import json
import re
import sys

REGION = "us-east-1"


class TooOld(Exception):
    pass


def find(path, answer):
    if "Error" in answer:
        raise RuntimeError("%s is wanted, but the call was refused: %s" % (path, answer))
    for step in path.split("."):
        answer = answer[int(step)] if step.isdigit() else answer[step]
    return answer


def filled(value, kept):
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda m: kept[m.group(1)], value)
    if isinstance(value, list):
        return [filled(one, kept) for one in value]
    if isinstance(value, dict):
        return {name: filled(one, kept) for name, one in value.items()}
    return value


def operation_of(model, operation, params):
    """The model's own view of a call; TooOld when it does not know the call or a parameter."""
    for name in model.operation_names:
        if name.lower() == operation.replace("-", ""):
            found = model.operation_model(name)
            unknown = set(params) - set(found.input_shape.members if found.input_shape else ())
            if not unknown:
                return found
            raise TooOld("%s knows no %s" % (operation, ", ".join(sorted(unknown))))
    raise TooOld("it knows no %s" % operation)


def members(shape, inside=()):
    """What a shape has: an object of its members, a list of one, or null for what is taken whole."""
    if shape is None or shape.name in inside:
        return None
    inside += (shape.name,)
    if shape.type_name == "structure" and not getattr(shape, "is_tagged_union", False):
        return {name: members(one, inside) for name, one in shape.members.items()}
    if shape.type_name == "list":
        return [members(shape.member, inside)]
    return None


def check(client, calls):
    """TooOld when the client's models lack a call, a parameter or what is to be kept, before anything is called."""
    for call in calls:
        service, operation = call["call"].split()
        known = members(operation_of(client.model(service), operation, call["params"]).output_shape)
        for path in (call["keep"] or {}).values():
            within = known
            for step in path.split("."):
                if not step.isdigit() and step not in within:
                    raise TooOld("%s shows no %s" % (operation, path))
                within = within[0] if step.isdigit() else within[step]


def through(client, calls):
    check(client, calls)
    kept, answers = {}, []
    for call in calls:
        service, operation = call["call"].split()
        params = filled(call["params"], kept)
        known = operation_of(client.model(service), operation, params)
        answer = client.make(service, operation, params)
        answers.append({"answer": answer, "known": members(known.output_shape)})
        for name, path in (call["keep"] or {}).items():
            kept[name] = find(path, answer)
    return answers


class Boto3:
    def __init__(self, endpoint):
        import boto3
        import botocore.exceptions

        self.boto3, self.refusal, self.endpoint, self.clients = boto3, botocore.exceptions.ClientError, endpoint, {}

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = self.boto3.client(service, region_name=REGION, endpoint_url=self.endpoint)
        return self.clients[service]

    def model(self, service):
        return self.client(service).meta.service_model

    def make(self, service, operation, params):
        try:
            answer = getattr(self.client(service), operation.replace("-", "_"))(**params)
        except self.refusal as refused:
            error = refused.response["Error"]
            return {"Error": {"Code": error["Code"], "Message": error["Message"]}}
        answer.pop("ResponseMetadata", None)
        return answer


class CLI:
    def __init__(self, endpoint):
        import awscli.clidriver

        self.driver, self.endpoint = awscli.clidriver.create_clidriver(), endpoint

    def model(self, service):
        return self.driver.session.get_service_model(service)

    def make(self, service, operation, params):
        out, complaint = io.StringIO(), io.StringIO()
        line = [service, operation, "--cli-input-json", json.dumps(params), "--endpoint-url", self.endpoint]
        line += ["--region", REGION, "--output", "json", "--no-paginate"]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaint):
            code = self.driver.main(line)
        if code == 0:
            return json.loads(out.getvalue() or "{}")
        refused = re.search(r"An error occurred \((\S+)\) when calling the \w+ operation[^:]*: (.*)", complaint.getvalue(), re.DOTALL)
        if refused is None:
            raise RuntimeError("aws %s %s: %s" % (service, operation, complaint.getvalue()))
        return {"Error": {"Code": refused.group(1), "Message": refused.group(2).strip()}}


def shown(value):
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat()
    raise TypeError("an answer has a %s" % type(value))


def main():
    asked = json.load(sys.stdin)
    said = {}
    for name, kind in (("boto3", Boto3), ("cli", CLI)):
        endpoint = asked["endpoints"].get(name)
        if endpoint is None:
            continue
        try:
            said[name] = {"calls": through(kind(endpoint), asked["calls"])}
        except ImportError as missing:
            said[name] = {"missing": str(missing)}
        except TooOld as reason:
            said[name] = {"missing": "it is too old: %s" % reason}
    json.dump(said, sys.stdout, default=shown)


main()
