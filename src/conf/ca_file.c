#include "conf/ca_file.h"

#include <string.h>

#include "conf/grammar.h"

struct reader {
	struct ca_file *ca;
	br_x509_decoder_context certificate;
	bool within;   /* a certificate */
	bool too_long; /* its name */
};

static void
take_name(void *context, const void *bytes, size_t len)
{
	struct reader *r = context;
	br_x509_trust_anchor *a = &r->ca->anchors[r->ca->count];

	if (len > CA_FILE_NAME_MAX - a->dn.len) {
		r->too_long = true;
		return;
	}
	memcpy(a->dn.data + a->dn.len, bytes, len);
	a->dn.len += len;
}

static void
take_bytes(void *context, const void *bytes, size_t len)
{
	br_x509_decoder_push(context, bytes, len);
}

static void
begin(struct reader *r)
{
	br_x509_trust_anchor *a = &r->ca->anchors[r->ca->count];

	memset(a, 0, sizeof *a);
	a->dn.data = r->ca->bytes[r->ca->count].name;
	r->within = true;
	br_x509_decoder_init(&r->certificate, take_name, r);
}

/* 0, or -1: it is none that can be relied on. */
static int
finish(struct reader *r)
{
	struct ca_file *ca = r->ca;
	br_x509_trust_anchor *a = &ca->anchors[ca->count];
	struct ca_file_bytes *own = &ca->bytes[ca->count];
	const br_x509_pkey *key = br_x509_decoder_get_pkey(&r->certificate);

	r->within = false;
	if (!key || r->too_long) {
		return -1;
	}
	a->flags = br_x509_decoder_isCA(&r->certificate) ? BR_X509_TA_CA : 0;
	a->pkey.key_type = key->key_type;
	if (key->key_type == BR_KEYTYPE_RSA &&
	    key->key.rsa.nlen <= CA_FILE_KEY_MAX &&
	    key->key.rsa.elen <= CA_FILE_EXPONENT_MAX) {
		memcpy(own->key, key->key.rsa.n, key->key.rsa.nlen);
		memcpy(own->exponent, key->key.rsa.e, key->key.rsa.elen);
		a->pkey.key.rsa =
			(br_rsa_public_key){ own->key, key->key.rsa.nlen,
					     own->exponent, key->key.rsa.elen };
	} else if (key->key_type == BR_KEYTYPE_EC &&
		   key->key.ec.qlen <= CA_FILE_KEY_MAX) {
		memcpy(own->key, key->key.ec.q, key->key.ec.qlen);
		a->pkey.key.ec =
			(br_ec_public_key){ key->key.ec.curve, own->key,
					    key->key.ec.qlen };
	} else {
		return -1;
	}
	ca->count++;
	return 0;
}

/* What the decoder has met.  0 or -1. */
static int
take_event(struct reader *r, br_pem_decoder_context *pem)
{
	switch (br_pem_decoder_event(pem)) {
	case BR_PEM_BEGIN_OBJ:
		br_pem_decoder_setdest(pem, NULL, NULL);
		if (strcmp(br_pem_decoder_name(pem), "CERTIFICATE") == 0) {
			if (r->ca->count == CA_FILE_CERTIFICATES_MAX) {
				return -1;
			}
			begin(r);
			br_pem_decoder_setdest(pem, take_bytes,
					       &r->certificate);
		}
		return 0;
	case BR_PEM_END_OBJ:
		return r->within ? finish(r) : 0;
	case BR_PEM_ERROR:
		return -1;
	default:
		return 0;
	}
}

static int
read_text(struct reader *r, const char *text, size_t len)
{
	br_pem_decoder_context pem;
	size_t at = 0;

	br_pem_decoder_init(&pem);
	while (at < len) {
		at += br_pem_decoder_push(&pem, text + at, len - at);
		if (take_event(r, &pem) < 0) {
			return -1;
		}
	}
	/* The last line may lack its end. */
	br_pem_decoder_push(&pem, "\n", 1);
	return take_event(r, &pem) < 0 || r->within ? -1 : 0;
}

int
ca_file_load(struct ca_file *ca, const char *path, char *err)
{
	static struct reader r;
	struct conf_file file;
	int rc = conf_open(&file, path, CONF_PUBLIC, err);

	if (rc < 0) {
		return rc;
	}
	memset(ca, 0, sizeof *ca);
	r = (struct reader){ .ca = ca };
	if (read_text(&r, file.text, file.len) < 0) {
		rc = conf_fail(err, &file, 0,
			       "certificate %zu can't be read, or is one too "
			       "many",
			       ca->count + 1);
	} else if (ca->count == 0) {
		rc = conf_fail(err, &file, 0, "has no certificate");
	}
	conf_close(&file);
	return rc;
}
