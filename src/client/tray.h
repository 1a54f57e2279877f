/*
 * An icon of Windows beside the clock (papers: 000, 4.3), which starts and
 * stops a client with a file and shows how it is: whichever runs, a service as
 * well.
 *
 * Its window has the class TRAY_CLASS and takes these as WM_COMMAND; its title
 * is what the icon's tip says.
 */
#ifndef TAP_CLIENT_TRAY_H
#define TAP_CLIENT_TRAY_H

#define TRAY_CLASS L"tap-client-tray"

enum tray_command {
	TRAY_START = 1,
	TRAY_STOP,
	TRAY_EDIT,   /* the file */
	TRAY_CHOOSE, /* another one */
	TRAY_QUIT,   /* the client stays */
};

/*
 * Until it is told to quit.  An exit status: TAP_NO where there is one already.
 */
int tray_run(const char *path);

#endif
