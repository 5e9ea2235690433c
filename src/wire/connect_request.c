#include "wire/connect_request.h"

#include "wire/http_head.h"

static const struct {
    const char *text;
    int status;
} reasons[] = {
    [CONNECT_FINE] = {"fine", 200},
    [CONNECT_METHOD] = {"this port takes CONNECT only", 405},
    [CONNECT_LINE] = {"malformed request line", 400},
    [CONNECT_TARGET] = {"the target is not host:port", 400},
    [CONNECT_FIELD] = {"malformed field", 400},
    [CONNECT_TOO_LONG] = {"request head too large", 431},
    [CONNECT_HOST] = {"the Host field differs from the target", 400},
    [CONNECT_BODY] = {"a CONNECT request has no body", 400},
    [CONNECT_EARLY_BYTES] = {"bytes before the tunnel stands", 400},
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == CONNECT_REASON_COUNT, "one row a reason");

const char *connect_reason_text(enum connect_reason reason)
{
    return reasons[reason].text;
}

int connect_reason_status(enum connect_reason reason)
{
    return reasons[reason].status;
}

static enum parse_status refuse(struct connect_request *request, enum connect_reason reason)
{
    request->reason = reason;
    return PARSE_BAD;
}

/*
 * Take one line ended by CR LF. PARSE_BAD for a bare CR or LF or a control byte (but tabs), as
 * soon as it is seen.
 */
static enum parse_status take_line(struct bytes *rest, struct bytes *line)
{
    for (size_t i = 0; i < rest->length; i++) {
        uint8_t byte = rest->data[i];
        if (byte == '\r') {
            if (i + 1 == rest->length)
                return PARSE_NEED_MORE;
            if (rest->data[i + 1] != '\n')
                return PARSE_BAD;
            *line = bytes_first(*rest, i);
            *rest = (struct bytes){rest->data + i + 2, rest->length - i - 2};
            return PARSE_OK;
        }
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return PARSE_BAD;
    }
    return PARSE_NEED_MORE;
}

static enum connect_reason read_request_line(struct bytes line, struct connect_request *request)
{
    struct bytes method, target, version;
    if (!bytes_next_token(&line, ' ', &method) || !bytes_equal_text(method, "CONNECT"))
        return CONNECT_METHOD;
    if (!bytes_next_token(&line, ' ', &target) || !bytes_next_token(&line, ' ', &version) ||
        line.data != NULL)
        return CONNECT_LINE;
    if (bytes_equal_text(version, "HTTP/1.1"))
        request->minor_version = 1;
    else if (bytes_equal_text(version, "HTTP/1.0"))
        request->minor_version = 0;
    else
        return CONNECT_LINE;
    if (!authority_parse(target, &request->target) || request->target.port == 0)
        return CONNECT_TARGET;
    return CONNECT_FINE;
}

static enum connect_reason check_field(struct bytes line, const struct connect_request *request)
{
    size_t colon = bytes_index_of(line, ':');
    struct bytes name = bytes_first(line, colon);
    if (colon == line.length || !http_head_is_token(name))
        return CONNECT_FIELD;
    struct bytes value = bytes_trim(bytes_from(line, colon + 1));
    if (bytes_equal_ignore_case(name, BYTES_LITERAL("content-length")) ||
        bytes_equal_ignore_case(name, BYTES_LITERAL("transfer-encoding")))
        return CONNECT_BODY;
    /* Clients write the name with or without the port here; both mean the target. */
    if (bytes_equal_ignore_case(name, BYTES_LITERAL("host")) &&
        !authority_matches(value, request->target.host, request->target.port))
        return CONNECT_HOST;
    return CONNECT_FINE;
}

/* The earliest byte that cannot begin "CONNECT " settles it: nothing is awaited from a stranger. */
static bool may_be_connect(struct bytes received)
{
    struct bytes method = BYTES_LITERAL("CONNECT ");
    size_t shared = received.length < method.length ? received.length : method.length;
    return bytes_equal(bytes_first(received, shared), bytes_first(method, shared));
}

enum parse_status connect_request_parse(struct bytes received, struct connect_request *request)
{
    *request = (struct connect_request){.reason = CONNECT_FINE};
    if (!may_be_connect(received))
        return refuse(request, CONNECT_METHOD);

    struct bytes rest = bytes_first(received, CONNECT_REQUEST_BYTES_MAX);
    for (size_t line_index = 0; line_index <= CONNECT_REQUEST_FIELDS_MAX + 1; line_index++) {
        struct bytes line;
        enum parse_status status = take_line(&rest, &line);
        if (status == PARSE_NEED_MORE && received.length >= CONNECT_REQUEST_BYTES_MAX)
            return refuse(request, CONNECT_TOO_LONG);
        if (status == PARSE_NEED_MORE)
            return PARSE_NEED_MORE;
        if (status == PARSE_BAD)
            return refuse(request, line_index == 0 ? CONNECT_LINE : CONNECT_FIELD);
        if (line_index > 0 && line.length == 0) {
            request->head_bytes = (size_t)(rest.data - received.data);
            if (received.length > request->head_bytes)
                return refuse(request, CONNECT_EARLY_BYTES);
            return PARSE_OK;
        }
        enum connect_reason reason =
            line_index == 0 ? read_request_line(line, request) : check_field(line, request);
        if (reason != CONNECT_FINE)
            return refuse(request, reason);
    }
    return refuse(request, CONNECT_TOO_LONG);
}
