/*
 * Why something failed: a line of text that names its object.
 */
#ifndef TAP_BASE_WHY_H
#define TAP_BASE_WHY_H

#define WHY_MAX 512u

/*
 * Write it, as one printable line whatever it quotes; what does not fit is left
 * out.  Returns the result.
 */
int why_set(char why[WHY_MAX], int result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "OBJECT: " and what an error (-errno) means.  Returns the error. */
int why_errno(char why[WHY_MAX], int error, const char *object);
/* "OBJECT: " before what it says already.  Returns the result. */
int why_of(char why[WHY_MAX], int result, const char *object);

#endif
