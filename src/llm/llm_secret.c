#include "llm/llm_secret.h"

static bool is_secret(const struct llm_secret *secret)
{
    static const char *const keys[] = {
        "access_token",        "accesstoken",   "api_key",   "authorization",
        "authorization_token", "client_secret", "id_token",  "proxy-authorization",
        "refresh_token",       "refreshtoken",  "x-api-key",
    };
    struct bytes string = {secret->string, secret->string_length};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (bytes_equal_ignore_case(string, bytes_from_text(keys[i])))
            return true;
    return false;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static enum llm_secret_state begin_string(struct llm_secret *secret)
{
    secret->string_length = 0;
    return LLM_SECRET_STRING;
}

static enum llm_secret_state step_string(struct llm_secret *secret, uint8_t byte)
{
    if (byte == '"')
        return LLM_SECRET_BEHIND_STRING;
    if (byte == '\n')
        return LLM_SECRET_OUTSIDE;
    if (secret->string_length < sizeof(secret->string))
        secret->string[secret->string_length++] = byte;
    return byte == '\\' ? LLM_SECRET_STRING_ESCAPE : LLM_SECRET_STRING;
}

/* What is shown. */
static enum llm_secret_state step(struct llm_secret *secret, uint8_t byte)
{
    enum llm_secret_state state = secret->state;
    switch (state) {
    case LLM_SECRET_STRING:
        return step_string(secret, byte);
    case LLM_SECRET_STRING_ESCAPE:
        return LLM_SECRET_STRING;
    case LLM_SECRET_BEHIND_STRING:
        if (byte == ':')
            return is_secret(secret) ? LLM_SECRET_BEHIND_COLON : LLM_SECRET_OUTSIDE;
        break;
    case LLM_SECRET_BEHIND_COLON:
        if (byte == '"')
            return LLM_SECRET_VALUE_BEGINS;
        break;
    default:
        return byte == '"' && state != LLM_SECRET_VALUE_ENDS ? begin_string(secret)
                                                             : LLM_SECRET_OUTSIDE;
    }
    if (is_space(byte))
        return state;
    return byte == '"' ? begin_string(secret) : LLM_SECRET_OUTSIDE;
}

/* Whether the byte changes nothing, which most do: no call is spent on them. */
static inline bool is_plain(const struct llm_secret *secret, uint8_t byte)
{
    if (secret->state == LLM_SECRET_OUTSIDE)
        return byte != '"';
    return secret->state == LLM_SECRET_STRING && secret->string_length == sizeof(secret->string) &&
           byte != '"' && byte != '\\' && byte != '\n';
}

/* Up to what ends a value, which is shown. */
static void skip_value(struct llm_secret *secret, struct bytes *rest)
{
    while (rest->length > 0) {
        uint8_t byte = rest->data[0];
        if (secret->state == LLM_SECRET_VALUE_ESCAPE) {
            secret->state = LLM_SECRET_VALUE;
        } else if (byte == '"' || byte == '\n') {
            secret->state = LLM_SECRET_VALUE_ENDS;
            return;
        } else if (byte == '\\') {
            secret->state = LLM_SECRET_VALUE_ESCAPE;
        }
        *rest = bytes_from(*rest, 1);
    }
}

struct bytes llm_secret_next(struct llm_secret *secret, struct bytes *rest)
{
    if (secret->state == LLM_SECRET_VALUE_BEGINS) {
        secret->state = LLM_SECRET_VALUE;
        return BYTES_LITERAL("[redacted]");
    }
    if (secret->state == LLM_SECRET_VALUE || secret->state == LLM_SECRET_VALUE_ESCAPE)
        skip_value(secret, rest);
    size_t length = 0;
    for (; length < rest->length && secret->state != LLM_SECRET_VALUE_BEGINS; length++)
        if (!is_plain(secret, rest->data[length]))
            secret->state = step(secret, rest->data[length]);
    struct bytes shown = bytes_first(*rest, length);
    *rest = bytes_from(*rest, length);
    return shown;
}
