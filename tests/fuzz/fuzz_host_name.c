#include "fuzz.h"

#include "policy/host_name.h"

#include <string.h>

/* What comes out is canonical: it stays as it is when it goes in again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host_name name;
    struct host_name again;
    struct bytes text = {data, size};
    if (host_name_parse(text, &name) != HOST_NAME_FINE)
        return 0;
    CHECK(name.length == size && strlen(name.text) == size);
    CHECK(bytes_equal_ignore_case(host_name_bytes(&name), text));
    CHECK(strspn(name.text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == size);
    CHECK(host_name_parse(host_name_bytes(&name), &again) == HOST_NAME_FINE);
    CHECK(host_name_equal(&name, &again) && again.has_underscore == name.has_underscore);
    return 0;
}
