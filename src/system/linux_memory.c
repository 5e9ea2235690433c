#include "system/linux_memory.h"

#include <sys/sysinfo.h>

size_t linux_memory_bytes(void)
{
    struct sysinfo facts;
    if (sysinfo(&facts) != 0)
        return 0;
    return (size_t)facts.totalram * facts.mem_unit;
}
