"""What clients ask the providers' hosts beside calls of models; hardly any of it is needed."""

import json

JSON = "application/json"
ACCOUNT = "11111111-2222-3333-4444-555555555555"  # of the stand-in's only subscriber


def accounts():
    """Where Codex goes with a subscription: it names no other host."""
    entry = {"id": ACCOUNT, "account_user_id": "user-standin", "name": None,
             "structure": "personal", "plan_type": "pro", "is_deactivated": False,
             "is_fedramp_compliant_workspace": False, "can_access_with_session": True,
             "sso_connection_name": None, "profile_picture_url": None,
             "workspace_backend_origin": "https://chatgpt.com",
             "account_routing_override": "NO_CONSTRAINT"}
    return {"accounts": [entry], "account_ordering": [ACCOUNT], "default_account_id": ACCOUNT}


def answer_to(path):
    """(status, content type, body)."""
    told = {
        "/inference-profiles": {"inferenceProfileSummaries": []},
        "/backend-api/wham/accounts/check": accounts(),
    }.get(path)
    if told is None:
        return 404, JSON, json.dumps({"error": {"message": "the stand-in has no such page",
                                                "type": "not_found_error"}}).encode()
    return 200, JSON, json.dumps(told).encode()
