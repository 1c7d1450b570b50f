"""Requests to the server with Python's standard library."""

import base64
import http.client
from urllib.parse import urlencode, urlsplit

from python_cases import connection

URL, USER, PASSWORD = connection()


def connect():
    return http.client.HTTPConnection(urlsplit(URL).hostname, urlsplit(URL).port, timeout=120)


def authorization(password=PASSWORD):
    return "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()


def ask(body, parameters=None, headers=None, password=PASSWORD):
    """(status, headers, bytes) of one request."""
    link = connect()
    try:
        path = "/?" + urlencode(parameters or {})
        link.request("POST", path, body, {"Authorization": authorization(password), **(headers or {})})
        answer = link.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        link.close()


def text_of(query, parameters=None):
    status, _, body = ask(query.encode(), parameters)
    if status != 200:
        raise AssertionError(f"{status} {body.decode()}")
    return body.decode()
