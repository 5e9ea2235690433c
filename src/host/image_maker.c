/*
 * rootcell-image: makes and fetches images for `rootcell`. A program of its own, because it alone
 * needs the libraries for that, and loading them takes longer than most commands of rootcell.
 *
 *     rootcell-image build|refresh FOLDER DATA ARCHITECTURE INIT FIREWALL
 *     rootcell-image download FOLDER DATA ARCHITECTURE MANIFEST-URL
 *
 * Steps are told on standard error; the reason of a failure goes to standard output, for the
 * caller.
 */

#include "host/image_build.h"
#include "host/image_download.h"
#include "system/own_program.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_COMMON = 5, STATUS_FAILED = 1, STATUS_USAGE = 2, DESCRIPTOR_LIMIT = 64 };

static bool build(char *const *arguments, struct error *error)
{
    struct image_build_options options = {
        .folder = arguments[2],
        .data = arguments[3],
        .architecture = arguments[4],
        .init = arguments[5],
        .firewall = arguments[6],
    };
    return strcmp(arguments[1], "build") == 0 ? image_build_run(&options, error)
                                              : image_build_refresh(&options, error);
}

static bool download(char *const *arguments, struct error *error)
{
    struct image_download_options options = {
        .folder = arguments[2],
        .data = arguments[3],
        .architecture = arguments[4],
        .manifest_url = arguments[5],
    };
    return image_download_run(&options, error);
}

/*
 * The caller's lock is ours to hold too, until our end. What we run must not get it: apt's
 * hooks name descriptors in scripts for a shell that knows single digits only.
 */
static void keep_descriptors(void)
{
    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTOR_LIMIT; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int main(int count, char **arguments)
{
    struct error error = {""};
    keep_descriptors();
    own_program_end_with_parent();
    const char *word = count > 1 ? arguments[1] : "";
    bool is_build = strcmp(word, "build") == 0 || strcmp(word, "refresh") == 0;
    bool is_download = strcmp(word, "download") == 0;
    if ((!is_build || count != ARGUMENTS_COMMON + 2) &&
        (!is_download || count != ARGUMENTS_COMMON + 1)) {
        printf("usage: `rootcell image` calls this program\n");
        return STATUS_USAGE;
    }
    if (is_build ? build(arguments, &error) : download(arguments, &error))
        return 0;
    printf("%s\n", error.text);
    return STATUS_FAILED;
}
