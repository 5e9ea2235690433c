"""Pi, Claude Code and Codex: how each is set up and asked, with every provider that it knows."""

import base64
import json

from fetch import folder_of

from internet.provider.others import ACCOUNT

PROMPT = "run echo hello and tell me what it printed"
BEDROCK_MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ANTHROPIC_KEY = "sk-ant-api03-" + "standin" * 12
OPENAI_KEY = "sk-proj-" + "standin" * 12
BEDROCK_KEY = "bedrock-api-key-" + "standin" * 6
AWS_KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
LIFETIME = 4102444800  # until 2100


def token(claims):
    """A JSON web token that nobody signed."""
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return ".".join((part({"alg": "RS256", "typ": "JWT"}), part(claims), "c3RhbmRpbg"))


def subscription():
    return token({
        "iss": "https://auth.openai.com", "aud": ["app"], "exp": LIFETIME, "iat": 1795459783,
        "email": "agent@example.com", "https://api.openai.com/auth": {
            "chatgpt_account_id": ACCOUNT, "chatgpt_plan_type": "pro",
            "chatgpt_user_id": "user-standin", "user_id": "user-standin"}})


class Harness:
    """`provider` chooses the setup."""

    def __init__(self, provider):
        self.provider = provider

    def prepare(self, home):
        """Files that have to be there before a run."""


class Pi(Harness):
    def environment(self):
        given = {"PI_OFFLINE": "1", "PI_SKIP_VERSION_CHECK": "1", "PI_TELEMETRY": "0"}
        return {**given, **{
            "anthropic": {"ANTHROPIC_API_KEY": ANTHROPIC_KEY},
            "anthropic-oauth": {"ANTHROPIC_OAUTH_TOKEN": "sk-ant-oat01-" + "standin" * 12},
            "openai": {"OPENAI_API_KEY": OPENAI_KEY},
            "openai-codex": {},
            "chat": {},
            "bedrock": {"AWS_REGION": "us-east-1", "AWS_BEARER_TOKEN_BEDROCK": BEDROCK_KEY},
            "bedrock-keys": {"AWS_REGION": "us-east-1", **AWS_KEYS},
            "bedrock-http1": {"AWS_REGION": "us-east-1", "AWS_BEARER_TOKEN_BEDROCK": BEDROCK_KEY,
                              "AWS_BEDROCK_FORCE_HTTP1": "1"},
        }[self.provider]}

    def prepare(self, home):
        folder = home / ".pi" / "agent"
        folder.mkdir(parents=True, exist_ok=True)
        if self.provider == "openai-codex":
            (folder / "auth.json").write_text(json.dumps({"openai-codex": {
                "type": "oauth", "access": subscription(), "refresh": "refresh-standin",
                "expires": LIFETIME * 1000, "accountId": ACCOUNT}}))
        if self.provider == "chat":
            (folder / "models.json").write_text(json.dumps({"providers": {"chat": {
                "baseUrl": "https://api.openai.com/v1", "api": "openai-completions",
                "apiKey": OPENAI_KEY, "models": [{
                    "id": "gpt-4o-mini", "name": "chat", "reasoning": False, "input": ["text"],
                    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
                    "contextWindow": 128000, "maxTokens": 16384}]}}}))

    def command(self):
        provider, model = {
            "anthropic": ("anthropic", "claude-sonnet-4-5"),
            "anthropic-oauth": ("anthropic", "claude-sonnet-4-5"),
            "openai": ("openai", "gpt-5.1"),
            "openai-codex": ("openai-codex", "gpt-5.1"),
            "chat": ("chat", "gpt-4o-mini"),
        }.get(self.provider, ("amazon-bedrock", BEDROCK_MODEL))
        return [folder_of("node") / "bin/node", folder_of("pi") / "dist/bundle/cli.js",
                "--provider", provider, "--model", model, "-p", PROMPT]


class Claude(Harness):
    def environment(self):
        given = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "IS_SANDBOX": "1",
                 "DISABLE_AUTOUPDATER": "1"}
        return {**given, **{
            "anthropic": {"ANTHROPIC_API_KEY": ANTHROPIC_KEY},
            "oauth": {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-" + "standin" * 12},
            "bedrock": {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "us-east-1",
                        "AWS_BEARER_TOKEN_BEDROCK": BEDROCK_KEY},
            "mantle": {"CLAUDE_CODE_USE_MANTLE": "1", "AWS_REGION": "us-east-1", **AWS_KEYS},
            "platform": {"CLAUDE_CODE_USE_ANTHROPIC_AWS": "1", "AWS_REGION": "us-east-1",
                         "ANTHROPIC_AWS_WORKSPACE_ID": "wrkspc_standin", **AWS_KEYS},
        }[self.provider]}

    def command(self):
        return [folder_of("claude") / "claude", "-p", PROMPT, "--dangerously-skip-permissions"]


CODEX_CONFIG = """\
check_for_update_on_startup = false
{more}
[analytics]
enabled = false

[features]
plugins = false
apps = false
api_key_model_discovery = false
"""


class Codex(Harness):
    def environment(self):
        if self.provider == "bedrock":
            return {"AWS_REGION": "us-east-1", "AWS_BEARER_TOKEN_BEDROCK": BEDROCK_KEY}
        return {} if self.provider == "chatgpt" else {"OPENAI_API_KEY": OPENAI_KEY,
                                                      "CODEX_API_KEY": OPENAI_KEY}

    def prepare(self, home):
        folder = home / ".codex"
        folder.mkdir(parents=True, exist_ok=True)
        more = 'model_provider = "amazon-bedrock"\n' if self.provider == "bedrock" else ""
        (folder / "config.toml").write_text(CODEX_CONFIG.format(more=more))
        if self.provider == "chatgpt":
            (folder / "auth.json").write_text(json.dumps({
                "OPENAI_API_KEY": None, "auth_mode": "chatgpt", "tokens": {
                    "id_token": subscription(), "access_token": subscription(),
                    "refresh_token": "refresh-standin", "account_id": ACCOUNT},
                "last_refresh": "2099-01-01T00:00:00Z"}))

    def command(self):
        binary = next(folder_of("codex").glob("vendor/*/bin/codex"))
        return [binary, "exec", "--skip-git-repo-check",
                "--dangerously-bypass-approvals-and-sandbox", PROMPT]
