/* Runs a fuzz target over files: the corpus and every past crash, under any compiler. */

#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 1024 * 1024, PATH_SIZE = 4096 };

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *whole = malloc(INPUT_BYTES_MAX);
    if (file == NULL || whole == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    size_t size = fread(whole, 1, INPUT_BYTES_MAX, file);
    fclose(file);
    /* In a block of just its size, so that reading past the end is seen. */
    uint8_t *input = malloc(size ? size : 1);
    CHECK(input);
    memcpy(input, whole, size);
    free(whole);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(input, size);
    free(input);
}

static size_t run_folder(const char *folder)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        fprintf(stderr, "%s: no folder\n", folder);
        exit(1);
    }
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        char path[PATH_SIZE];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        run_file(path);
        count++;
    }
    closedir(entries);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++)
        count += run_folder(argv[i]);
    printf("%zu inputs\n", count);
    return count ? 0 : 1;
}
