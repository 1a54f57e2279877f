/*
 * Why something failed: a line of text that names its object.
 */
#ifndef TAP_MEASURE_WHY_H
#define TAP_MEASURE_WHY_H

#define WHY_MAX 512u

/* "OBJECT: " and what an error (-errno) means.  Returns the error. */
int why_errno(char why[WHY_MAX], int error, const char *object);

#endif
