# SPDX-License-Identifier: Apache-2.0
"""HTTP Archive 1.2 as its specification has it: names and types of all fields, and which may be left out."""
import datetime

NUMBER, TEXT, TRUTH, TIME = (int, float), str, bool, "a time"
PAIR = {"name": TEXT, "value": TEXT, "comment?": TEXT}
COOKIE = {**PAIR, "path?": TEXT, "domain?": TEXT, "expires?": TIME, "httpOnly?": TRUTH, "secure?": TRUTH}
POST = {"mimeType": TEXT, "params?": [{"name": TEXT, "value?": TEXT, "fileName?": TEXT, "contentType?": TEXT,
                                       "comment?": TEXT}], "text?": TEXT, "comment?": TEXT}
MESSAGE = {"httpVersion": TEXT, "cookies": [COOKIE], "headers": [PAIR], "headersSize": NUMBER, "bodySize": NUMBER,
           "comment?": TEXT}
REQUEST = {**MESSAGE, "method": TEXT, "url": TEXT, "queryString": [PAIR], "postData?": POST}
CONTENT = {"size": NUMBER, "compression?": NUMBER, "mimeType": TEXT, "text?": TEXT, "encoding?": TEXT, "comment?": TEXT}
RESPONSE = {**MESSAGE, "status": NUMBER, "statusText": TEXT, "content": CONTENT, "redirectURL": TEXT}
STATE = {"expires?": TIME, "lastAccess": TIME, "eTag": TEXT, "hitCount": NUMBER, "comment?": TEXT}
TIMINGS = {"blocked?": NUMBER, "dns?": NUMBER, "connect?": NUMBER, "send": NUMBER, "wait": NUMBER, "receive": NUMBER,
           "ssl?": NUMBER, "comment?": TEXT}
ENTRY = {"pageref?": TEXT, "startedDateTime": TIME, "time": NUMBER, "request": REQUEST, "response": RESPONSE,
         "cache": {"beforeRequest?": STATE, "afterRequest?": STATE, "comment?": TEXT}, "timings": TIMINGS,
         "serverIPAddress?": TEXT, "connection?": TEXT, "comment?": TEXT}
PROGRAM = {"name": TEXT, "version": TEXT, "comment?": TEXT}
PAGE = {"startedDateTime": TIME, "id": TEXT, "title": TEXT, "pageTimings": {"onContentLoad?": NUMBER, "onLoad?": NUMBER,
                                                                            "comment?": TEXT}, "comment?": TEXT}
HAR = {"log": {"version": TEXT, "creator": PROGRAM, "browser?": PROGRAM, "pages?": [PAGE], "entries": [ENTRY],
               "comment?": TEXT}}


def check(value, shape=HAR, place="HAR"):
    """Fails with the place where the value is not what the specification says."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{place} is no object"
        fields = {name.rstrip("?"): (name, inner) for name, inner in shape.items()}
        for name, inner in value.items():
            assert name in fields or name.startswith("_"), f"{place}.{name} is not in the specification"
            if name in fields:
                check(inner, fields[name][1], f"{place}.{name}")
        for name, (optional, _) in fields.items():
            assert name in value or optional.endswith("?"), f"{place}.{name} is missing"
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{place} is no list"
        for number, inner in enumerate(value):
            check(inner, shape[0], f"{place}[{number}]")
    elif shape is TIME:
        assert datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo, f"{place} is no ISO 8601 time"
    else:
        assert isinstance(value, shape) and (shape is TRUTH or not isinstance(value, bool)), f"{place} is {value!r}"
