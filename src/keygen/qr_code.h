/*
 * A line as a QR code, for the camera of a telephone.
 */
#ifndef TAP_KEYGEN_QR_CODE_H
#define TAP_KEYGEN_QR_CODE_H

/* Print it to standard output; where qrencode(1) is not there, nothing. */
void qr_code_print(const char *line);

#endif
