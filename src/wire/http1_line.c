#include "wire/http1_line.h"

#include <assert.h>

struct reason_row {
    const char *text;
    int status;
};

enum { BAD_REQUEST = 400, METHOD_NOT_ALLOWED = 405, URI_TOO_LONG = 414, EXPECTATION_FAILED = 417 };
enum { HEAD_TOO_LARGE = 431, VERSION_NOT_SUPPORTED = 505 };

static const struct reason_row reason_rows[] = {
    [HTTP1_FINE] = {"the message is fine", BAD_REQUEST},
    [HTTP1_EMPTY_LINE_FIRST] = {"an empty line before the message", BAD_REQUEST},
    [HTTP1_BARE_CR] = {"a carriage return without a line feed", BAD_REQUEST},
    [HTTP1_BARE_LF] = {"a line feed without a carriage return", BAD_REQUEST},
    [HTTP1_CONTROL_BYTE] = {"a control byte in the head", BAD_REQUEST},
    [HTTP1_START_LINE] = {"the first line is not of HTTP/1.1", BAD_REQUEST},
    [HTTP1_METHOD] = {"the method is no token or too long", BAD_REQUEST},
    [HTTP1_METHOD_CONNECT] = {"CONNECT inside TLS", METHOD_NOT_ALLOWED},
    [HTTP1_TARGET] = {"the request target is no path", BAD_REQUEST},
    [HTTP1_TARGET_TOO_LONG] = {"the request target is too long", URI_TOO_LONG},
    [HTTP1_TARGET_AUTHORITY] = {"the request target names another scheme or host", BAD_REQUEST},
    [HTTP1_VERSION] = {"another version of HTTP", VERSION_NOT_SUPPORTED},
    [HTTP1_STATUS] = {"the status is not three digits from 100 on", BAD_REQUEST},
    [HTTP1_LINE_TOO_LONG] = {"a field line is too long", HEAD_TOO_LARGE},
    [HTTP1_HEAD_TOO_LARGE] = {"the head is too large", HEAD_TOO_LARGE},
    [HTTP1_TOO_MANY_FIELDS] = {"too many fields", HEAD_TOO_LARGE},
    [HTTP1_FIELD_NAME] = {"a field name is no token or no colon follows it", BAD_REQUEST},
    [HTTP1_FIELD_FOLDED] = {"a folded field line", BAD_REQUEST},
    [HTTP1_FIELD_VALUE] = {"a field value has a byte that may not stand there", BAD_REQUEST},
    [HTTP1_HOST_MISSING] = {"no Host field", BAD_REQUEST},
    [HTTP1_HOST_REPEATED] = {"two Host fields", BAD_REQUEST},
    [HTTP1_HOST_DIFFERS] = {"Host differs from the name of the connection", BAD_REQUEST},
    [HTTP1_CONTENT_LENGTH] = {"Content-Length is no plain number", BAD_REQUEST},
    [HTTP1_CONTENT_LENGTH_REPEATED] = {"two Content-Length fields", BAD_REQUEST},
    [HTTP1_TRANSFER_ENCODING] = {"Transfer-Encoding is not `chunked`", BAD_REQUEST},
    [HTTP1_TRANSFER_ENCODING_REPEATED] = {"two Transfer-Encoding fields", BAD_REQUEST},
    [HTTP1_TRANSFER_ENCODING_IN_1_0] = {"Transfer-Encoding in HTTP/1.0", BAD_REQUEST},
    [HTTP1_TWO_LENGTHS] = {"Content-Length together with Transfer-Encoding", BAD_REQUEST},
    [HTTP1_CONNECTION_OPTION] = {"Connection names a field that it may not", BAD_REQUEST},
    [HTTP1_EXPECT] = {"an expectation other than 100-continue", EXPECTATION_FAILED},
    [HTTP1_UPGRADE] = {"a switch of protocols that nobody asked for", BAD_REQUEST},
    [HTTP1_UPGRADE_BODY] = {"a request to switch protocols with a body", BAD_REQUEST},
    [HTTP1_CHUNK_SIZE] = {"a chunk size is no hexadecimal number", BAD_REQUEST},
    [HTTP1_CHUNK_EXTENSION] = {"a chunk extension", BAD_REQUEST},
    [HTTP1_CHUNK_END] = {"a chunk does not end with its size", BAD_REQUEST},
    [HTTP1_CHUNK_OVERHEAD] = {"chunks with more framing than data", BAD_REQUEST},
    [HTTP1_TRAILER_FORBIDDEN] = {"a trailer that may stand in the head only", BAD_REQUEST},
    [HTTP1_TRUNCATED] = {"the message ends early", BAD_REQUEST},
};
static_assert(sizeof(reason_rows) / sizeof(reason_rows[0]) == HTTP1_REASON_COUNT,
              "every reason has a row");

const char *http1_reason_text(enum http1_reason reason)
{
    return reason_rows[reason].text;
}

int http1_reason_status(enum http1_reason reason)
{
    return reason_rows[reason].status;
}

enum http1_reason http1_line_split_field(struct bytes line, struct bytes *name, struct bytes *value)
{
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return HTTP1_FIELD_FOLDED;
    size_t colon = bytes_index_of(line, ':');
    if (colon == line.length || !http_head_is_token(bytes_first(line, colon)))
        return HTTP1_FIELD_NAME;
    *name = bytes_first(line, colon);
    *value = bytes_trim(bytes_from(line, colon + 1));
    return http_head_is_field_value(*value) ? HTTP1_FINE : HTTP1_FIELD_VALUE;
}

enum http1_reason http1_line_head_reason(enum http_head_status status)
{
    switch (status) {
    case HTTP_HEAD_OK:
        return HTTP1_FINE;
    case HTTP_HEAD_TOO_LARGE:
        return HTTP1_HEAD_TOO_LARGE;
    case HTTP_HEAD_BAD:
        break;
    }
    return HTTP1_FIELD_VALUE;
}
