#include "fuzz.h"

#include "wire/client_hello.h"

#include <stdlib.h>
#include <string.h>

/* Whole or in pieces of moving memory: the same outcome; and borrowed parts lie in the message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client_hello whole;
    struct client_hello slow;
    client_hello_init(&whole);
    client_hello_init(&slow);
    enum parse_status status = client_hello_push(&whole, (struct bytes){data, size});
    enum parse_status piecewise = PARSE_NEED_MORE;
    size_t step = 1 + (size ? data[size - 1] % 61 : 0);
    for (size_t i = 0; piecewise == PARSE_NEED_MORE; i += step) {
        size_t length = i < size ? i : size;
        uint8_t *copy = malloc(length + 1);
        CHECK(copy);
        memcpy(copy, data, length);
        piecewise = client_hello_push(&slow, (struct bytes){copy, length});
        free(copy);
        if (length == size)
            break;
    }
    CHECK(piecewise == status);
    if (status == PARSE_OK) {
        CHECK(whole.wire_bytes <= size && whole.wire_bytes == slow.wire_bytes);
        CHECK(bytes_equal(whole.server_name, slow.server_name));
        CHECK(whole.has_server_name == (whole.server_name.length > 0));
        CHECK(whole.protocol_count == slow.protocol_count);
        CHECK(whole.has_alpn == (whole.protocol_count > 0));
        for (size_t i = 0; i < whole.protocol_count; i++)
            CHECK(bytes_equal(whole.protocols[i], slow.protocols[i]));
    } else if (status == PARSE_BAD) {
        CHECK(whole.reason != CLIENT_HELLO_FINE && slow.reason == whole.reason);
        CHECK(client_hello_reason_alert(whole.reason) != 0);
    }
    client_hello_done(&whole);
    client_hello_done(&slow);
    return 0;
}
