#include "firewall/trust_anchors.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/reader.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

struct trust_anchor {
    unsigned long subject_hash;
    struct bytes block; /* borrowed from the bundle; may have text before its first line */
};

struct trust_anchors {
    struct trust_anchor *list; /* owned */
    size_t count;
};

/* --- the subject of a certificate ----------------------------------------------------------- */

enum der_tag { DER_INTEGER = 0x02, DER_SEQUENCE = 0x30, DER_VERSION = 0xa0 };

/* The next value's content (X.690 section 8.1, DER); empty, and the reader failed, for another. */
static struct bytes take_value(struct reader *reader, enum der_tag tag)
{
    enum { LONG_FORM = 0x80, LONGEST_LENGTH = 4 };
    bool is_wanted = reader_u8(reader) == tag;
    size_t length = reader_u8(reader);
    if (length & LONG_FORM) {
        size_t left = length & ~(size_t)LONG_FORM;
        is_wanted = is_wanted && left <= LONGEST_LENGTH;
        for (length = 0; is_wanted && left > 0; left--)
            length = length << 8 | reader_u8(reader);
    }
    return reader_take(reader, is_wanted ? length : SIZE_MAX);
}

/* The name with its tag and length (RFC 5280 section 4.1); empty where there is none. */
static struct bytes subject_of(struct bytes certificate)
{
    struct reader whole = reader_over(certificate);
    struct reader inner = reader_over(take_value(&whole, DER_SEQUENCE));
    struct bytes content = take_value(&inner, DER_SEQUENCE);
    struct reader reader = reader_over(content);
    if (content.length > 0 && content.data[0] == DER_VERSION)
        take_value(&reader, DER_VERSION);
    take_value(&reader, DER_INTEGER);  /* serial number */
    take_value(&reader, DER_SEQUENCE); /* signature */
    take_value(&reader, DER_SEQUENCE); /* issuer */
    take_value(&reader, DER_SEQUENCE); /* validity */
    size_t start = reader.position;
    take_value(&reader, DER_SEQUENCE);
    if (reader_is_failed(&reader))
        return BYTES_EMPTY;
    return bytes_first(bytes_from(content, start), reader.position - start);
}

static bool hash_subject(struct bytes certificate, unsigned long *hash)
{
    struct bytes subject = subject_of(certificate);
    const unsigned char *at = subject.data;
    int is_hashed = 0;
    X509_NAME *name = subject.length > 0 ? d2i_X509_NAME(NULL, &at, (long)subject.length) : NULL;
    if (name)
        *hash = X509_NAME_hash_ex(name, NULL, NULL, &is_hashed);
    X509_NAME_free(name);
    return is_hashed == 1;
}

/* --- the index ------------------------------------------------------------------------------ */

static bool is_certificate(const char *label)
{
    return !strcmp(label, PEM_STRING_X509) || !strcmp(label, PEM_STRING_X509_OLD) ||
           !strcmp(label, PEM_STRING_X509_TRUSTED);
}

static void add(struct trust_anchors *anchors, const struct trust_anchor *anchor)
{
    bool is_full = (anchors->count & (anchors->count - 1)) == 0; /* it doubles */
    if (is_full)
        anchors->list = memory_resize_array(anchors->list, anchors->count ? 2 * anchors->count : 1,
                                            sizeof(*anchors->list));
    anchors->list[anchors->count++] = *anchor;
}

enum block_result { BLOCK_TAKEN, BLOCK_BROKEN, BLOCK_NONE };

static enum block_result take_block(struct trust_anchors *anchors, struct bytes pem, BIO *input)
{
    struct trust_anchor anchor;
    char *label, *header;
    unsigned char *data;
    long length;
    size_t start = pem.length - BIO_ctrl_pending(input);
    if (PEM_read_bio(input, &label, &header, &data, &length) != 1) {
        unsigned long number = ERR_peek_last_error();
        bool is_end =
            ERR_GET_LIB(number) == ERR_LIB_PEM && ERR_GET_REASON(number) == PEM_R_NO_START_LINE;
        return is_end ? BLOCK_NONE : BLOCK_BROKEN;
    }
    enum block_result result = BLOCK_TAKEN;
    size_t end = pem.length - BIO_ctrl_pending(input);
    anchor.block = bytes_first(bytes_from(pem, start), end - start);
    if (is_certificate(label)) {
        if (hash_subject((struct bytes){data, (size_t)length}, &anchor.subject_hash))
            add(anchors, &anchor);
        else
            result = BLOCK_BROKEN;
    }
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return result;
}

bool trust_anchors_new(struct bytes pem, struct trust_anchors **anchors_out, struct error *error)
{
    CHECK(pem.length <= INT_MAX);
    if (pem.length == 0)
        return error_set(error, "holds no certificate");
    struct trust_anchors *anchors = memory_new(sizeof(*anchors));
    BIO *input = BIO_new_mem_buf(pem.data, (int)pem.length);
    CHECK(input != NULL);
    enum block_result result;
    while ((result = take_block(anchors, pem, input)) == BLOCK_TAKEN)
        continue;
    BIO_free(input);
    ERR_clear_error();
    if (result == BLOCK_NONE && anchors->count > 0) {
        *anchors_out = anchors;
        return true;
    }
    if (result == BLOCK_BROKEN)
        error_set(error, "certificate %zu cannot be read", anchors->count + 1);
    else
        error_set(error, "holds no certificate");
    trust_anchors_free(anchors);
    return false;
}

void trust_anchors_free(struct trust_anchors *anchors)
{
    free(anchors->list);
    free(anchors);
}

/* --- for a store ---------------------------------------------------------------------------- */

/* The certificate, owned by the caller; NULL when it cannot be read or has another subject. */
static X509 *read_anchor(const struct trust_anchor *anchor, const X509_NAME *subject)
{
    BIO *input = BIO_new_mem_buf(anchor->block.data, (int)anchor->block.length);
    CHECK(input != NULL);
    X509 *certificate = PEM_read_bio_X509_AUX(input, NULL, NULL, NULL);
    BIO_free(input);
    if (certificate && X509_NAME_cmp(X509_get_subject_name(certificate), subject) == 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* X509_LOOKUP_get_by_subject_fn: every authority of that name goes into the store. */
static int find_by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *subject,
                           X509_OBJECT *result)
{
    const struct trust_anchors *anchors = X509_LOOKUP_get_method_data(lookup);
    int is_hashed = 0, is_found = 0;
    unsigned long hash = X509_NAME_hash_ex(subject, NULL, NULL, &is_hashed);
    if (type != X509_LU_X509 || !is_hashed)
        return 0;
    ERR_set_mark();
    for (size_t i = 0; i < anchors->count; i++) {
        X509 *certificate =
            anchors->list[i].subject_hash == hash ? read_anchor(&anchors->list[i], subject) : NULL;
        if (certificate && X509_STORE_add_cert(X509_LOOKUP_get_store(lookup), certificate) == 1 &&
            !is_found) {
            is_found = X509_OBJECT_set1_X509(result, certificate);
            /* X509_LOOKUP_meth_new(3): whoever asked has a reference of its own; the store, too. */
            if (is_found)
                X509_free(certificate);
        }
        X509_free(certificate);
    }
    ERR_pop_to_mark();
    return is_found;
}

void trust_anchors_serve(struct trust_anchors *anchors, struct x509_store_st *store)
{
    static X509_LOOKUP_METHOD *method;
    if (method == NULL) {
        method = X509_LOOKUP_meth_new("certificates of a bundle, read when they are wanted");
        CHECK(method != NULL && X509_LOOKUP_meth_set_get_by_subject(method, find_by_subject) == 1);
    }
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, method);
    CHECK(lookup != NULL && X509_LOOKUP_set_method_data(lookup, anchors) == 1);
}
