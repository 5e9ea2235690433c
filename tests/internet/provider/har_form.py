"""The form of an HTTP archive, by the specification of HAR 1.2: what has to be there, and of which
type. Members that it does not know begin with an underscore."""

import re

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
PAIR = {"name": str, "value": str, "comment?": str}
COOKIE = {"name": str, "value": str}
BODY = {"mimeType": str, "text": str, "encoding?": str, "comment?": str}
REQUEST = {
    "method": str, "url": str, "httpVersion": str, "cookies": [COOKIE], "headers": [PAIR],
    "queryString": [PAIR], "postData?": BODY, "headersSize": int, "bodySize": int,
}
RESPONSE = {
    "status": int, "statusText": str, "httpVersion": str, "cookies": [COOKIE], "headers": [PAIR],
    "content": {"size": int, "mimeType": str, "text?": str, "encoding?": str, "comment?": str},
    "redirectURL": str, "headersSize": int, "bodySize": int,
}
ENTRY = {
    "startedDateTime": TIME, "time": int, "request": REQUEST, "response": RESPONSE, "cache": {},
    "timings": {"send": int, "wait": int, "receive": int},
}
LOG = {"version": str, "creator": {"name": str, "version": str}, "entries": [ENTRY]}


def faults(value, form, place):
    """What of a value is not of the form."""
    if isinstance(form, list):
        if not isinstance(value, list):
            return [f"{place} is no array"]
        return [fault for number, each in enumerate(value)
                for fault in faults(each, form[0], f"{place}[{number}]")]
    if isinstance(form, dict):
        return faults_of_object(value, form, place)
    if isinstance(form, re.Pattern):
        return [] if isinstance(value, str) and form.match(value) else [f"{place} is no time"]
    return [] if type(value) is form else [f"{place} is no {form.__name__}"]


def faults_of_object(value, form, place):
    if not isinstance(value, dict):
        return [f"{place} is no object"]
    found = []
    for name, below in form.items():
        if name.rstrip("?") in value:
            found += faults(value[name.rstrip("?")], below, f"{place}.{name.rstrip('?')}")
        elif not name.endswith("?"):
            found.append(f"{place} has no {name}")
    known = {name.rstrip("?") for name in form}
    return found + [f"{place}.{name} is not known" for name in value
                    if name not in known and not name.startswith("_")]


def faults_of_archive(archive):
    found = faults(archive, {"log": LOG}, "archive")
    for number, entry in enumerate(archive["log"]["entries"]):
        if entry["time"] != sum(entry["timings"].values()):
            found.append(f"entry {number} takes another time than its parts")
        if "?" in entry["request"]["url"] and not entry["request"]["queryString"]:
            found.append(f"entry {number} has a query that is not listed")
    return found
