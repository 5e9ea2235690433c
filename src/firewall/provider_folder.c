#include "firewall/provider_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"
#include "llm/llm_event.h"
#include "system/file.h"

static bool is_api(struct bytes name)
{
    enum llm_api api;
    return llm_api_find(name, &api);
}

static int is_provider_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.' &&
           bytes_end_with(bytes_from_text(entry->d_name), BYTES_LITERAL(".provider"));
}

static bool add_file(struct provider_set *set, const char *path, struct error *error)
{
    struct buffer text;
    /* One byte more than is allowed: so that the reason is the file's length. */
    buffer_init(&text, PROVIDER_FILE_BYTES_MAX + 1);
    bool is_good =
        file_read(path, &text, error) && provider_set_add(set, path, buffer_bytes(&text), error);
    buffer_done(&text);
    return is_good;
}

struct provider_set *provider_folder_read(const char *folder, struct error *error)
{
    struct provider_set *set = provider_set_new(is_api);
    struct dirent **entries = NULL;
    int count = folder ? scandir(folder, &entries, is_provider_file, alphasort) : 0;
    bool is_good = count >= 0 || error_set_errno(error, errno, "%s", folder);
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = memory_format("%s/%s", folder, entries[i]->d_name);
        is_good = is_good && add_file(set, path, error);
        free(entries[i]);
    }
    free(entries);
    if (is_good)
        return set;
    provider_set_free(set);
    return NULL;
}
