#ifndef FIREWALL_PROVIDER_FOLDER_H
#define FIREWALL_PROVIDER_FOLDER_H

#include "policy/provider_file.h"

/**
 * Read every *.provider of a folder, in the order of their names. NULL with `FILE:LINE: reason` or
 * what the system said; `folder` NULL is no provider at all. The caller's, provider_set_free.
 */
struct provider_set *provider_folder_read(const char *folder, struct error *error);

#endif
