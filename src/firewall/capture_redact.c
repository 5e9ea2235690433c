#include "firewall/capture_redact.h"

#include "base/number.h"

enum { KEY_LENGTH = 64, KEY_SHAPE_LENGTH = 16 };

enum place { PLACE_VALUE, PLACE_TARGET };

static bool is_one_of(struct bytes text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal_ignore_case(text, bytes_from_text(words[i])))
            return true;
    return false;
}
#define IS_ONE_OF(text, words) is_one_of((text), (words), sizeof(words) / sizeof((words)[0]))

static bool contains(struct bytes whole, const char *text)
{
    struct bytes part = bytes_from_text(text);
    for (size_t i = 0; i + part.length <= whole.length; i++)
        if (bytes_equal_ignore_case(bytes_first(bytes_from(whole, i), part.length), part))
            return true;
    return false;
}

bool capture_redact_is_secret_name(struct bytes name)
{
    static const char *const names[] = {
        "anthropic-organization-id", "chatgpt-account-id", "openai-organization",  "openai-project",
        "x-amz-credential",          "x-amz-signature",    "x-amzn-oidc-identity",
    };
    static const char *const parts[] = {"authorization", "api-key",  "apikey",
                                        "cookie",        "password", "secret"};
    /* At the end only: `-tokens` counts them. */
    static const char *const ends[] = {"-token", "-key", "-signature", "-credential", "-jwt"};
    if (IS_ONE_OF(name, names))
        return true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (contains(name, parts[i]))
            return true;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (bytes_end_with(name, bytes_from_text(ends[i])))
            return true;
    return false;
}

/* --- words ---------------------------------------------------------------------------------- */

static bool is_separator(uint8_t byte, enum place place)
{
    for (const char *one = " \t,;:=&?\"'()<>{}[]|#"; *one; one++)
        if ((uint8_t)*one == byte)
            return true;
    return place == PLACE_TARGET && byte == '/';
}

/* Escapes undone, as whoever reads a query does; longer than KEY_LENGTH is no key of ours. */
static struct bytes decode_key(struct bytes key, uint8_t room[KEY_LENGTH])
{
    size_t length = 0;
    for (size_t i = 0; i < key.length; i++) {
        uint64_t byte = key.data[i];
        if (byte == '%' &&
            number_parse_hexadecimal(bytes_first(bytes_from(key, i + 1), 2), 0xff, &byte))
            i += 2;
        if (length == KEY_LENGTH)
            return BYTES_EMPTY;
        room[length++] = (uint8_t)byte;
    }
    return (struct bytes){room, length};
}

static bool is_secret_key(struct bytes key, enum place place)
{
    static const char *const anywhere[] = {
        "access_key",      "access_token", "accesstoken",      "api-key",
        "api_key",         "apikey",       "authorization",    "awsaccesskeyid",
        "client_secret",   "credential",   "id_token",         "password",
        "refresh_token",   "secret",       "security-token",   "session_token",
        "signature",       "token",        "x-amz-credential", "x-amz-security-token",
        "x-amz-signature", "x-api-key",
    };
    static const char *const in_targets[] = {"assertion", "auth",  "code", "code_verifier",
                                             "jwt",       "key",   "pwd",  "sig",
                                             "state",     "ticket"};
    uint8_t room[KEY_LENGTH];
    struct bytes decoded = decode_key(key, room);
    return IS_ONE_OF(decoded, anywhere) ||
           (place == PLACE_TARGET && IS_ONE_OF(decoded, in_targets));
}

/* A word that is a key by its form, wherever it stands. */
static bool has_key_shape(struct bytes word)
{
    static const char *const prefixes[] = {
        "sk-",  "sk_",  "sess-", "rk_",  "ABSK",        "AKIA",   "ASIA",  "bedrock-api-key-",
        "ghp_", "gho_", "ghs_",  "ghu_", "github_pat_", "glpat-", "xoxb-", "xoxp-",
        "AIza", "npm_", "hf_",   "gsk_", "eyJ",
    };
    if (word.length < KEY_SHAPE_LENGTH)
        return false;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (bytes_start_with(word, bytes_from_text(prefixes[i])))
            return true;
    return false;
}

/* What stands between two words makes the second the value of the first. */
static bool is_assignment(struct bytes between)
{
    bool is_assigned = false;
    for (size_t i = 0; i < between.length; i++) {
        uint8_t byte = between.data[i];
        if (byte == '=' || byte == ':')
            is_assigned = true;
        else if (byte != ' ' && byte != '"' && byte != '\'' && byte != '\t')
            return false;
    }
    return is_assigned;
}

static bool is_blank(struct bytes between)
{
    return between.length > 0 && bytes_trim(between).length == 0;
}

static bool is_secret_word(struct bytes before, struct bytes between, struct bytes word,
                           enum place place)
{
    static const char *const schemes[] = {"basic", "bearer"};
    if (is_assignment(between) && is_secret_key(before, place))
        return true;
    if (is_blank(between) && IS_ONE_OF(before, schemes))
        return true;
    return has_key_shape(word);
}

/* A secret that began at `start` ends where no part of it can follow: it may have separators. */
static size_t secret_end(struct bytes text, size_t start, enum place place)
{
    bool is_in_query = bytes_index_of(bytes_first(text, start), '?') < start;
    const char *ends = place == PLACE_VALUE ? " \t,;&\"'" : is_in_query ? "&#" : "/?#";
    size_t end = start;
    for (; end < text.length; end++)
        for (const char *one = ends; *one; one++)
            if ((uint8_t)*one == text.data[end])
                return end;
    return end;
}

static bool redact_words(struct bytes text, enum place place, struct buffer *out)
{
    struct bytes before = BYTES_EMPTY;
    for (size_t i = 0; i < text.length;) {
        size_t start = i;
        while (i < text.length && is_separator(text.data[i], place))
            i++;
        struct bytes between = {text.data + start, i - start};
        start = i;
        while (i < text.length && !is_separator(text.data[i], place))
            i++;
        struct bytes word = {text.data + start, i - start};
        if (!buffer_append(out, between))
            return false;
        if (word.length > 0 && is_secret_word(before, between, word, place)) {
            i = secret_end(text, start, place);
            word = BYTES_EMPTY;
            if (!buffer_append_text(out, CAPTURE_REDACTED))
                return false;
        }
        if (!buffer_append(out, word))
            return false;
        before = word;
    }
    return true;
}

bool capture_redact_value(struct bytes name, struct bytes value, struct buffer *out)
{
    if (capture_redact_is_secret_name(name) || contains(value, "signature=") ||
        contains(value, "credential="))
        return buffer_append_text(out, CAPTURE_REDACTED);
    return redact_words(value, PLACE_VALUE, out);
}

bool capture_redact_target(struct bytes target, struct buffer *out)
{
    return redact_words(target, PLACE_TARGET, out);
}
