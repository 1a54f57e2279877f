#include "switching/follower.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn.h"
#include "daemon/isolate.h"
#include "daemon/log.h"
#include "daemon/pass_fds.h"
#include "os/clock.h"
#include "switching/follower_process.h"
#include "tap.h"

/* A folder on the way may be made while it is looked for. */
#define LOOKS_MAX 16
/* A process that lived so long counts as started successfully. */
#define LIVED_MS 60000u
static const uint32_t folder_events = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR |
	IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;

void
follower_init(struct follower *f)
{
	*f = (struct follower){
		.poll = -1,
		.folders = -1,
		.changes = -1,
		.line = -1,
	};
}

static void
close_one(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

/* ---- the process */

static void
poll_also(const struct follower *f, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	(void)epoll_ctl(f->poll, EPOLL_CTL_ADD, fd, &event);
}

static void
end_process(struct follower *f)
{
	if (f->process > 0) {
		kill(f->process, SIGKILL);
		while (waitpid(f->process, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	f->process = 0;
	close_one(&f->line);
}

/* Hand over a file, or what became of it. */
static void
hand_over(struct follower *f, size_t at)
{
	const struct follower_file *file = &f->files[at];
	const struct follower_file_word word = {
		.file = (uint32_t)at,
		.format = (uint32_t)file->conf.format,
	};
	int fds[PASS_FDS_MAX] = { -1, -1 };

	if (f->line < 0 || file->fd < 0) {
		return;
	}
	/* Its place in it is that of ours: whoever comes next goes on there. */
	fds[0] = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	if (fds[0] < 0 || pass_fds_send(f->line, &word, sizeof word, fds) < 0) {
		/* It does not listen: the next one gets it. */
		end_process(f);
	}
}

static int
start(struct follower *f)
{
	const pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		return -errno;
	}
	f->process = fork();
	if (f->process == 0) {
		const int kept[] = { ends[1], f->changes };

		f->job->forget(f->job->context);
		/* Memory of who got in, and of replays, is not its, either. */
		if (isolate_memory(NULL) < 0) {
			_exit(TAP_SYSTEM);
		}
		spawn_close_others(kept, 2);
		follower_process(ends[1], f->changes, f->count, f->job->user,
				 parent);
	}
	close(ends[1]);
	if (f->process < 0) {
		const int saved = errno;

		f->process = 0;
		close(ends[0]);
		return -saved;
	}
	f->line = ends[0];
	f->begun_ms = clock_ms();
	poll_also(f, f->line);
	for (size_t i = 0; i < f->count && f->line >= 0; i++) {
		hand_over(f, i);
	}
	return 0;
}

/* ---- files */

static void
complain(struct follower_file *file, int error)
{
	if (file->error == error) {
		return;
	}
	file->error = error;
	log_say(LOG_LEVEL_WARNING, "alarm_file: %s: %s", file->conf.path,
		error == ENOENT           ? "not there yet"
			: error == ELOOP  ? "is a symbolic link"
			: error == EINVAL ? "is no regular file"
					  : strerror(error));
}

/* Have its changes told to that process; forget those of two files ago. */
static void
watch_changes(struct follower *f, struct follower_file *file)
{
	char path[32];
	int number;

	snprintf(path, sizeof path, "/proc/self/fd/%d", file->fd);
	number = inotify_add_watch(f->changes, path, IN_MODIFY);
	if (number < 0) {
		number = inotify_add_watch(f->changes, file->conf.path,
					   IN_MODIFY | IN_DONT_FOLLOW);
	}
	if (number < 0) {
		log_say(LOG_LEVEL_ERROR, "alarm_file: %s: inotify: %s",
			file->conf.path, strerror(errno));
	}
	if (file->changes[1] >= 0) {
		(void)inotify_rm_watch(f->changes, file->changes[1]);
	}
	file->changes[1] = file->changes[0];
	file->changes[0] = number;
}

/*
 * Open it, unless it is the one that is open.  Never a pipe, which may hang,
 * and never a link, which who may write the folder could lead anywhere.
 */
static void
open_file(struct follower *f, size_t at)
{
	struct follower_file *file = &f->files[at];
	const int fd =
		open(file->conf.path,
		     O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		complain(file, errno);
		return;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		complain(file, EINVAL);
		close(fd);
		return;
	}
	if (file->fd >= 0 && st.st_dev == file->device &&
	    st.st_ino == file->inode) {
		close(fd);
		return;
	}
	if (!file->began) {
		(void)lseek(fd, 0, SEEK_END);
	}
	close_one(&file->fd);
	file->fd = fd;
	file->device = st.st_dev;
	file->inode = st.st_ino;
	file->error = 0;
	watch_changes(f, file);
	hand_over(f, at);
}

/* The folder that a path is in, cut out of it; false at the root. */
static bool
cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash[1] == '\0') {
		return false;
	}
	slash[slash == path] = '\0';
	return true;
}

static bool
is_watched(const struct follower *f, int number)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->files[i].folder == number) {
			return true;
		}
	}
	return false;
}

/* Watch the nearest folder that there is.  Whether it is the file's own. */
static bool
watch_folder(struct follower *f, struct follower_file *file)
{
	char path[SWITCH_CONF_PATH_MAX];
	const int before = file->folder;
	bool own = true;

	memcpy(path, file->conf.path, sizeof path);
	file->folder = -1;
	while (file->folder < 0 && cut_last(path)) {
		file->folder =
			inotify_add_watch(f->folders, path, folder_events);
		if (file->folder < 0 && errno != ENOENT && errno != ENOTDIR) {
			complain(file, errno);
		}
		own = own && file->folder >= 0;
	}
	if (before >= 0 && !is_watched(f, before)) {
		(void)inotify_rm_watch(f->folders, before);
	}
	return own;
}

/* Find it, or whoever may bring it. */
static void
look_for(struct follower *f, size_t at)
{
	struct follower_file *file = &f->files[at];
	int before = -1;

	/* What is made before it is watched is found by looking again. */
	for (int i = 0; i < LOOKS_MAX; i++) {
		const bool own = watch_folder(f, file);

		if (own) {
			open_file(f, at);
			break;
		}
		if (file->folder == before) {
			complain(file, ENOENT);
			break;
		}
		before = file->folder;
	}
	file->began = true;
}

/* ---- what that process says */

/* It may have been taken over by what it read: nothing of it is believed. */
static bool
is_sound(const struct follower *f, struct follower_word *word)
{
	struct alert *a = &word->alert;
	char text[ALERT_TEXT_MAX];

	if (word->file >= f->count || word->kind > FOLLOWER_CUT) {
		return false;
	}
	if (word->kind != FOLLOWER_ALERT) {
		return true;
	}
	if ((a->src.family != 4 && a->src.family != 6) ||
	    a->src.family != a->dst.family || a->sport == 0 || a->dport == 0 ||
	    a->severity == 0) {
		return false;
	}
	if (a->src.family == 4) {
		memset(a->src.bytes + 4, 0, 12);
		memset(a->dst.bytes + 4, 0, 12);
	}
	alert_text(text, a->text, sizeof a->text);
	memcpy(a->text, text, sizeof text);
	return true;
}

static void
take_words(struct follower *f)
{
	for (int i = 0; i < FOLLOWER_ALERTS_MAX && f->line >= 0; i++) {
		struct follower_word word;
		const ssize_t got =
			recv(f->line, &word, sizeof word, MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			return;
		}
		if (got != (ssize_t)sizeof word || !is_sound(f, &word)) {
			/* It is gone, or does as it likes. */
			kill(f->process, SIGKILL);
			close_one(&f->line);
			return;
		}
		if (word.kind == FOLLOWER_ALERT) {
			f->job->alert(f->job->context, word.file, &word.alert);
		} else {
			f->job->trouble(f->job->context, word.file,
					(enum follower_word_kind)word.kind);
		}
	}
}

void
follower_serve(struct follower *f)
{
	char events[4096];
	bool changed = false;

	if (f->poll < 0) {
		return;
	}
	take_words(f);
	/* What they say is said by the folders, too. */
	while (read(f->folders, events, sizeof events) > 0) {
		changed = true;
	}
	for (size_t i = 0; changed && i < f->count; i++) {
		look_for(f, i);
	}
}

static void
take_death(struct follower *f, int status)
{
	const uint64_t now = clock_ms();
	uint64_t pause = 0;

	f->process = 0;
	close_one(&f->line);
	f->deaths = now - f->begun_ms >= LIVED_MS ? 1 : f->deaths + 1;
	f->restarts++;
	if (f->deaths > 1) {
		pause = FOLLOWER_PAUSE_MS;
	}
	for (unsigned n = 2; n < f->deaths && pause < FOLLOWER_PAUSE_MAX_MS;
	     n++) {
		pause *= 2;
	}
	f->due_ms = now + pause;
	if (WIFSIGNALED(status)) {
		log_say(LOG_LEVEL_ERROR,
			"alarm_file: their reader was ended by signal %d; "
			"another one goes on",
			WTERMSIG(status));
	} else {
		log_say(LOG_LEVEL_ERROR,
			"alarm_file: their reader ended with status %d; "
			"another one goes on",
			WEXITSTATUS(status));
	}
}

void
follower_tick(struct follower *f)
{
	int status, rc;

	if (f->count == 0) {
		return;
	}
	if (f->process > 0 &&
	    waitpid(f->process, &status, WNOHANG) == f->process) {
		take_words(f);
		take_death(f, status);
	}
	if (f->process == 0 && clock_ms() >= f->due_ms) {
		rc = start(f);
		if (rc < 0) {
			log_say(LOG_LEVEL_ERROR, "alarm_file: %s",
				strerror(-rc));
			f->due_ms = clock_ms() + FOLLOWER_PAUSE_MAX_MS;
		}
	}
}

/* ---- begin and end */

size_t
follower_open_files(const struct follower *f)
{
	size_t open = 0;

	for (size_t i = 0; i < f->count; i++) {
		open += f->files[i].fd >= 0;
	}
	return open;
}

void
follower_leave(struct follower *f)
{
	const struct follower_job *job = f->job;
	const uint64_t restarts = f->restarts;

	close_one(&f->line);
	for (size_t i = 0; i < f->count; i++) {
		close_one(&f->files[i].fd);
	}
	close_one(&f->poll);
	close_one(&f->folders);
	close_one(&f->changes);
	follower_init(f);
	f->job = job;
	f->restarts = restarts;
}

void
follower_close(struct follower *f)
{
	end_process(f);
	follower_leave(f);
}

static bool
is_same(const struct follower *f, const struct switch_conf_file *files,
	size_t count)
{
	bool same = count == f->count;

	for (size_t i = 0; same && i < count; i++) {
		same = files[i].format == f->files[i].conf.format &&
			strcmp(files[i].path, f->files[i].conf.path) == 0;
	}
	return same;
}

void
follower_follow(struct follower *f, const struct follower_job *job,
		const struct switch_conf_file *files, size_t count)
{
	if (is_same(f, files, count)) {
		return;
	}
	follower_close(f);
	f->job = job;
	f->poll = epoll_create1(EPOLL_CLOEXEC);
	f->folders = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	f->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->poll < 0 || f->folders < 0 || f->changes < 0) {
		log_say(LOG_LEVEL_ERROR,
			"alarm_file: inotify: %s; no file of alerts is "
			"followed",
			strerror(errno));
		follower_close(f);
		return;
	}
	poll_also(f, f->folders);
	for (size_t i = 0; i < count; i++) {
		f->files[i] = (struct follower_file){
			.conf = files[i],
			.fd = -1,
			.folder = -1,
			.changes = { -1, -1 },
		};
	}
	f->count = count;
	for (size_t i = 0; i < count; i++) {
		look_for(f, i);
	}
	follower_tick(f);
}
