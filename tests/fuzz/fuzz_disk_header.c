#include "fuzz.h"

#include "base/check.h"
#include "host/disk_header.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct disk_header header;
    struct error error;
    if (disk_header_parse((struct bytes){data, size}, &header, &error))
        CHECK(memchr(header.backing_file, '\0', sizeof(header.backing_file)) != NULL);
    return 0;
}
