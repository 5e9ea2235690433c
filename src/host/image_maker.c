/*
 * rootcell-image: makes and fetches images for `rootcell`. A program of its own, because it alone
 * needs the libraries for that, and loading them takes longer than most commands of rootcell.
 *
 *     rootcell-image build|rebuild|refresh FOLDER DATA ARCHITECTURE INIT FIREWALL
 *     rootcell-image download FOLDER DATA ARCHITECTURE MANIFEST-URL
 *     rootcell-image release FOLDER DATA ARCHITECTURE KEY OUTPUT
 *
 * build keeps an image that was made from the same inputs, rebuild never does, refresh only puts
 * other programs into it.
 *
 * Steps are told on standard error; the reason of a failure goes to standard output, for the
 * caller.
 */

#include "host/image_build.h"
#include "host/image_download.h"
#include "host/image_release.h"
#include "host/message.h"
#include "system/own_program.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_COMMON = 5, STATUS_FAILED = 1, STATUS_USAGE = 2, DESCRIPTOR_LIMIT = 64 };

static bool run_build(char *const *arguments, struct error *error)
{
    struct image_build_options options = {
        .folder = arguments[2],
        .data = arguments[3],
        .architecture = arguments[4],
        .init = arguments[5],
        .firewall = arguments[6],
    };
    const char *word = arguments[1];
    if (strcmp(word, "refresh") == 0)
        return image_build_refresh(&options, error);
    if (strcmp(word, "rebuild") == 0 || !image_build_is_current(&options))
        return image_build_run(&options, error);
    message_note("the image was made from the same lists, settings and package sources: kept; "
                 "`rootcell image build --force` makes it anew, with newer Debian packages");
    return image_build_refresh(&options, error);
}

static bool run_download(char *const *arguments, struct error *error)
{
    struct image_download_options options = {
        .folder = arguments[2],
        .data = arguments[3],
        .architecture = arguments[4],
        .manifest_url = arguments[5],
    };
    return image_download_run(&options, error);
}

static bool run_release(char *const *arguments, struct error *error)
{
    struct image_release_options options = {
        .folder = arguments[2],
        .data = arguments[3],
        .architecture = arguments[4],
        .key = arguments[5],
        .output = arguments[6],
    };
    return image_release_run(&options, error);
}

static const struct task {
    const char *word;
    int argument_count; /* behind those that all have */
    bool (*run)(char *const *arguments, struct error *error);
} tasks[] = {
    {"build", 2, run_build},       {"rebuild", 2, run_build},   {"refresh", 2, run_build},
    {"download", 1, run_download}, {"release", 2, run_release},
};

static const struct task *find_task(int count, char *const *arguments)
{
    for (size_t i = 0; count > 1 && i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        if (strcmp(tasks[i].word, arguments[1]) == 0 &&
            count == ARGUMENTS_COMMON + tasks[i].argument_count)
            return &tasks[i];
    }
    return NULL;
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
    const struct task *task = find_task(count, arguments);
    if (task == NULL) {
        printf("usage: `rootcell image` calls this program\n");
        return STATUS_USAGE;
    }
    if (task->run(arguments, &error))
        return 0;
    printf("%s\n", error.text);
    return STATUS_FAILED;
}
