#ifndef HOST_PKI_H
#define HOST_PKI_H

#include "base/error.h"

/**
 * Make the CA of an instance where it is missing or not usable: a P-256 key (mode 0600) and a
 * certificate of it that may sign leaf certificates and nothing else (path length 0), for ten
 * years. A pair that is there and fits is kept; one that does not is set aside.
 */
bool pki_ensure_ca(const char *folder, const char *instance_name, struct error *error);

#endif
