#include "spy/screen_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TITLE_MAX = 40 };

static bool write_all(int fd, struct bytes text)
{
    while (text.length > 0) {
        ssize_t written = write(fd, text.data, text.length);
        if (written < 0 && errno != EINTR)
            return false;
        text = bytes_from(text, written > 0 ? (size_t)written : 0);
    }
    return true;
}

enum screen_file_result screen_file_save(const char *path, struct bytes text, bool is_overwriting,
                                         struct error *error)
{
    int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags | (is_overwriting ? 0 : O_CREAT | O_EXCL), 0600);
    if (fd < 0 && errno == EEXIST)
        return SCREEN_FILE_EXISTS;
    if (fd < 0) {
        error_set_errno(error, errno, "%s", path);
        return SCREEN_FILE_FAILED;
    }
    struct stat status;
    bool is_plain = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (!is_plain)
        error_set(error, "%s: is no plain file", path);
    bool is_saved = is_plain && ftruncate(fd, 0) == 0 && write_all(fd, text);
    int number = errno;
    if (close(fd) != 0 && is_saved) {
        is_saved = false;
        number = errno;
    }
    if (is_plain && !is_saved)
        error_set_errno(error, number, "%s", path);
    return is_saved ? SCREEN_FILE_SAVED : SCREEN_FILE_FAILED;
}

void screen_file_name(unsigned long long call, struct bytes title, char *name, size_t size)
{
    char safe[TITLE_MAX + 1];
    size_t length = 0;
    title = bytes_trim(title);
    for (size_t i = 0; i < title.length && length < TITLE_MAX; i++) {
        uint8_t byte = title.data[i];
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= '0' && byte <= '9') || byte == '_';
        if (is_plain)
            safe[length++] = (char)byte;
        else if (length > 0 && safe[length - 1] != '-')
            safe[length++] = '-';
    }
    while (length > 0 && safe[length - 1] == '-')
        length--;
    safe[length] = '\0';
    snprintf(name, size, "call-%llu%s%s.txt", call, length ? "-" : "", safe);
}
