#ifndef INIT_MODULE_LIST_H
#define INIT_MODULE_LIST_H

#include "base/error.h"

/**
 * Load the kernel modules that the file names, one path a line, in its order: each stands behind
 * those that it needs (the image build sorts them by modules.dep). One that is loaded already is
 * fine.
 */
bool module_list_load(const char *path, struct error *error);

#endif
