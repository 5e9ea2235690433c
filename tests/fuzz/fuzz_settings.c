#include "fuzz.h"

#include "base/check.h"
#include "host/settings.h"

#include <string.h>

/* Settings that are taken pass their own check of ranges when they are read once more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings, before;
    struct error error = {""};
    settings_set_defaults(&settings);
    settings_set_defaults(&before);
    if (!settings_parse((struct bytes){data, size}, ".env", &settings, &error)) {
        CHECK(strncmp(error.text, ".env:", 5) == 0);
        CHECK(strchr(error.text, '\n') == NULL);
        CHECK(settings.agent_cpus == before.agent_cpus);
        return 0;
    }
    CHECK(settings.agent_cpus <= 64);
    CHECK(settings.network_prefix >= 8 && settings.network_prefix <= 30);
    CHECK((settings.pool_start & 0xff) == 0 && (settings.pool_end & 0xff) == 0);
    CHECK(strpbrk(settings.agent_packages, ";|&$`'\"\\<>(){}\n") == NULL);
    settings_check(&settings, &error);
    return 0;
}
