#include "fuzz.h"

#include "wire/ssh_banner.h"

/* The outcome on any beginning is a beginning of the outcome on the whole. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes whole = {data, size};
    struct bytes banner = BYTES_EMPTY;
    size_t banner_bytes = 0;
    enum parse_status status = ssh_banner_parse(whole, &banner, &banner_bytes);
    for (size_t i = 0; i < size; i++) {
        struct bytes early;
        size_t early_bytes = 0;
        enum parse_status before = ssh_banner_parse(bytes_first(whole, i), &early, &early_bytes);
        CHECK(before == PARSE_NEED_MORE || before == status);
        if (before == PARSE_OK)
            CHECK(early_bytes == banner_bytes);
    }
    if (status == PARSE_OK) {
        CHECK(banner_bytes <= SSH_BANNER_BYTES_MAX && banner.length < banner_bytes);
        CHECK(bytes_start_with(banner, BYTES_LITERAL("SSH-")));
    }
    CHECK(status != PARSE_NEED_MORE || size < SSH_BANNER_BYTES_MAX);
    return 0;
}
