"""python.py py_webauthn|python-fido2 FILE ALGORITHM SECONDS: how many it verified, and the CPU seconds they took."""

import base64
import json
import sys
import time


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def by_py_webauthn(file, keys):
    from webauthn import verify_authentication_response

    def verification(key, public_key, challenge, response):
        return lambda: verify_authentication_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=file["rp_id"],
            expected_origin=file["origin"].rstrip("/"),
            credential_public_key=public_key,
            credential_current_sign_count=0,
        )

    return [
        verification(key, decoded(key["public_key"]), decoded(one["ceremony"]["challenge"]), one["response"])
        for key in keys
        for one in key["assertions"]
    ]


def by_python_fido2(file, keys):
    from fido2 import cbor
    from fido2.cose import CoseKey
    from fido2.server import Fido2Server
    from fido2.webauthn import Aaguid, AttestedCredentialData, PublicKeyCredentialRpEntity

    origin = file["origin"].rstrip("/")
    server = Fido2Server(
        PublicKeyCredentialRpEntity(id=file["rp_id"], name="Sluse"), verify_origin=lambda seen: seen == origin
    )

    def verification(credential, state, response):
        return lambda: server.authenticate_complete(state, [credential], json.loads(response))

    all = []
    for key in keys:
        public_key = CoseKey.parse(cbor.decode(decoded(key["public_key"])))
        credential = AttestedCredentialData.create(Aaguid(bytes(16)), decoded(key["id"]), public_key)
        for one in key["assertions"]:
            state = {"challenge": one["ceremony"]["challenge"], "user_verification": "discouraged"}
            all.append(verification(credential, state, one["response"]))
    return all


who, path, algorithm, seconds = sys.argv[1:]
with open(path, encoding="utf-8") as text:
    file = json.load(text)
makers = {"py_webauthn": by_py_webauthn, "python-fido2": by_python_fido2}
all = makers[who](file, file["algorithms"][algorithm])

# Whatever is imported or kept at first use has been, before it counts.
for verify in all:
    verify()
verified, took, before = 0, 0.0, time.process_time()
while took < float(seconds):
    for verify in all:
        verify()
    verified += len(all)
    took = time.process_time() - before
print(verified, took)
