"""Asks PayPal's own Python library whether it accepts calls.

Standard input is a JSON list of calls, with the members of verify() below, the PEM certificate that the call's URL would
bring, and the PEM roots that stand in for those that the library ships. The verdicts are printed as a JSON list. Nothing is
downloaded.

Needs the packages paypalrestsdk and pyOpenSSL (before 24, which no longer has crypto.verify).
"""

import base64
import contextlib
import json
import sys
import warnings

warnings.simplefilter("ignore")

from OpenSSL import crypto
from paypalrestsdk.notifications import WebhookEvent


def certificate(pem):
    return crypto.load_certificate(crypto.FILETYPE_PEM, pem.encode())


def verdict(call):
    def store(cls):
        trusted = crypto.X509Store()
        trusted.add_cert(certificate(call["roots"]))
        return trusted

    WebhookEvent._get_certificate_store = classmethod(store)
    WebhookEvent._get_cert = staticmethod(lambda url: certificate(call["certificate"]))
    return WebhookEvent.verify(
        call["id"],
        call["time"],
        call["webhook"],
        base64.b64decode(call["body"]).decode(),
        call["url"],
        call["signature"],
        call["algorithm"],
    )


with contextlib.redirect_stdout(sys.stderr):  # the library prints why it refuses
    verdicts = [verdict(call) for call in json.load(sys.stdin)]
print(json.dumps(verdicts))
