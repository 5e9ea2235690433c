#include "limits/limit_table.h"

#include <stdio.h>
#include <string.h>

/* Writes docs/limits.md. */

static void write_value(const struct limit *limit)
{
    long long value = limit->value;
    const char *unit = limit->unit;
    if (strcmp(unit, "ms") == 0 && value % 60000 == 0)
        printf("%lld min", value / 60000);
    else if (strcmp(unit, "ms") == 0 && value % 1000 == 0)
        printf("%lld s", value / 1000);
    else if (strcmp(unit, "bytes") == 0 && value % (1024 * 1024) == 0)
        printf("%lld MiB", value / (1024 * 1024));
    else if (strcmp(unit, "bytes") == 0 && value % 1024 == 0)
        printf("%lld KiB", value / 1024);
    else
        printf("%lld %s", value, unit);
}

int main(void)
{
    printf(
        "# Limits of the firewall\n\n"
        "<!-- Made by tests/limits from tests/limits/limit_table.c: change that, or the constant. "
        "-->\n\n"
        "Every buffer, queue, rate and timeout of `rootcell-firewall`: its constant, its value, "
        "what happens\nthere, and the test that reaches it.\n");
    for (int i = 0; i < limit_table_count; i++) {
        const struct limit *limit = &limit_table[i];
        if (limit->name == NULL) {
            printf("\n## %s\n\n| limit | value | at the bound | test |\n|---|---|---|---|\n",
                   limit->bound);
            continue;
        }
        printf("| `%s` | ", limit->name);
        write_value(limit);
        if (limit->test)
            printf(" | %s | `%s` |\n", limit->bound, limit->test);
        else
            printf(" | %s | none yet |\n", limit->bound);
    }
    return 0;
}
