#include "fuzz.h"

#include "wire/connect_request.h"

/* A refusal stands whatever follows; what is accepted names a host and a port. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes message = {data, size};
    struct connect_request request;
    enum parse_status status = connect_request_parse(message, &request);
    enum parse_status piecewise = PARSE_NEED_MORE;
    struct connect_request slow;
    for (size_t i = 0; i < size && piecewise == PARSE_NEED_MORE; i += 1 + size % 5)
        piecewise = connect_request_parse(bytes_first(message, i), &slow);
    if (piecewise == PARSE_BAD)
        CHECK(status == PARSE_BAD);
    if (piecewise == PARSE_OK)
        CHECK(status == PARSE_BAD && request.reason == CONNECT_EARLY_BYTES);
    if (status == PARSE_OK) {
        CHECK(request.head_bytes == size);
        CHECK(request.target.port != 0 && request.target.host.length > 0);
        CHECK(authority_matches(request.target.host, request.target.host, request.target.port));
    } else if (status == PARSE_BAD) {
        CHECK(connect_reason_status(request.reason) >= 400);
    }
    return 0;
}
