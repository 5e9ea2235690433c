#include "system/tls_digest.h"

#include "base/check.h"

#include <openssl/evp.h>

void tls_digest_sha1(const void *data, size_t length, uint8_t digest[20])
{
    unsigned written = 0;
    CHECK(EVP_Digest(data, length, digest, &written, EVP_sha1(), NULL) == 1 && written == 20);
}
