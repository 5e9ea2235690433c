#include "firewall/capture_redact.h"

#include <string.h>

#include "base/number.h"

enum { WORD_LENGTH = 256, KEY_SHAPE_LENGTH = 16 };

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

/* --- words ---------------------------------------------------------------------------------- */

static bool is_separator(uint8_t byte, enum place place)
{
    for (const char *one = " \t,;:=&?\"'()<>{}[]|#"; *one; one++)
        if ((uint8_t)*one == byte)
            return true;
    return place == PLACE_TARGET && byte == '/';
}

static bool is_letter_or_digit(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z');
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The first of it that `room` takes, escapes undone as whoever reads a query does. */
static struct bytes decode(struct bytes text, uint8_t room[WORD_LENGTH])
{
    size_t length = 0;
    for (size_t i = 0; i < text.length && length < WORD_LENGTH; i++) {
        uint64_t byte = text.data[i];
        if (byte == '%' &&
            number_parse_hexadecimal(bytes_first(bytes_from(text, i + 1), 2), 0xff, &byte))
            i += 2;
        room[length++] = (uint8_t)byte;
    }
    return (struct bytes){room, length};
}

/* Letters and digits of it, small: `X-Api_Key`, `apiKey` and `api[key]` are one. */
static struct bytes letters_of(struct bytes key, uint8_t room[WORD_LENGTH])
{
    struct bytes last = bytes_from(key, key.length - smaller(key.length, WORD_LENGTH));
    struct bytes decoded = decode(last, room);
    size_t length = 0;
    for (size_t i = 0; i < decoded.length; i++) {
        uint8_t byte = decoded.data[i];
        if (is_letter_or_digit(byte))
            room[length++] = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 'a' - 'A') : byte;
    }
    return (struct bytes){room, length};
}

static bool is_secret_key(struct bytes key, enum place place)
{
    /* `tokens` counts them. */
    static const char *const ends[] = {
        "accesskey",  "accesskeyid", "apikey",          "authorization", "bearer",
        "credential", "passwd",      "password",        "privatekey",    "secret",
        "secretkey",  "signature",   "subscriptionkey", "token",
    };
    static const char *const in_targets[] = {
        "assertion", "auth", "code", "codeverifier", "devicecode", "jwt",
        "key",       "pwd",  "sig",  "state",        "ticket",     "usercode",
    };
    uint8_t room[WORD_LENGTH];
    struct bytes letters = letters_of(key, room);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (bytes_end_with(letters, bytes_from_text(ends[i])))
            return true;
    return place == PLACE_TARGET && IS_ONE_OF(letters, in_targets);
}

/* Where a key begins that is one by its form, behind other letters or none; the length of the word
 * when there is none. */
static size_t find_key_shape(struct bytes word)
{
    static const char *const prefixes[] = {
        "sk-",         "sk_",
        "ek_",         "sess-",
        "rk_",         "ABSK",
        "AKIA",        "ASIA",
        "ghp_",        "gho_",
        "ghs_",        "ghu_",
        "github_pat_", "glpat-",
        "xoxb-",       "xoxp-",
        "AIza",        "npm_",
        "hf_",         "gsk_",
        "eyJ",         "bedrock-api-key-",
    };
    for (size_t start = 0; start + KEY_SHAPE_LENGTH <= word.length; start++) {
        if (start > 0 && is_letter_or_digit(word.data[start - 1]))
            continue;
        for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
            if (bytes_start_with(bytes_from(word, start), bytes_from_text(prefixes[i])))
                return start;
    }
    return word.length;
}

/* The same of what follows a word that is written before keys: subprotocols of WebSockets, where
 * browsers cannot set other fields. */
static size_t find_behind_mark(struct bytes word)
{
    static const char *const marks[] = {"api-key.", "authorization.k8s.io."};
    for (size_t start = 0; start < word.length; start++)
        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
            struct bytes mark = bytes_from_text(marks[i]);
            if (bytes_equal_ignore_case(bytes_first(bytes_from(word, start), mark.length), mark))
                return start + mark.length;
        }
    return word.length;
}

static size_t find_key(struct bytes word)
{
    size_t found = smaller(find_key_shape(word), find_behind_mark(word));
    if (found < word.length || bytes_index_of(word, '%') == word.length)
        return found;
    uint8_t room[WORD_LENGTH];
    struct bytes decoded = decode(word, room);
    return find_key_shape(decoded) < decoded.length ? 0 : word.length;
}

/* What stands between two words makes the second the value of the first. A secret may begin with a
 * separator: base64 has `/`. */
static bool is_assignment(struct bytes between, enum place place)
{
    const char *ends = place == PLACE_TARGET ? "&#" : "&,;";
    bool is_assigned = false;
    for (size_t i = 0; i < between.length; i++) {
        uint8_t byte = between.data[i];
        if (byte == '=' || byte == ':')
            is_assigned = true;
        else if (is_assigned ? strchr(ends, byte) != NULL : strchr(" \t\"']", byte) == NULL)
            return false;
    }
    return is_assigned;
}

static bool is_blank(struct bytes between)
{
    return between.length > 0 && bytes_trim(between).length == 0;
}

/* Where in the word a secret begins; its length when there is none. */
static size_t find_secret(struct bytes before, struct bytes between, struct bytes word,
                          enum place place)
{
    static const char *const schemes[] = {"basic", "bearer"};
    if (is_assignment(between, place) && is_secret_key(before, place))
        return 0;
    if (is_blank(between) && IS_ONE_OF(before, schemes))
        return 0;
    return find_key(word);
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
        size_t secret = find_secret(before, between, word, place);
        if (!buffer_append(out, bytes_first(word, secret)))
            return false;
        before = word;
        if (secret == word.length)
            continue;
        i = secret_end(text, start + secret, place);
        before = BYTES_EMPTY;
        if (!buffer_append_text(out, CAPTURE_REDACTED))
            return false;
    }
    return true;
}

bool capture_redact_is_secret_name(struct bytes name)
{
    static const char *const names[] = {
        "anthropic-organization-id", "chatgpt-account-id", "openai-organization",  "openai-project",
        "x-amz-credential",          "x-amz-signature",    "x-amzn-oidc-identity",
    };
    static const char *const parts[] = {"authorization", "api-key",  "apikey",
                                        "cookie",        "password", "secret"};
    static const char *const ends[] = {"-key", "-jwt"};
    if (IS_ONE_OF(name, names))
        return true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (contains(name, parts[i]))
            return true;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (bytes_end_with(name, bytes_from_text(ends[i])))
            return true;
    return is_secret_key(name, PLACE_VALUE);
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
