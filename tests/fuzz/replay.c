/* SPDX-License-Identifier: ISC */
/*
 * Replays a fuzzer's corpus without libFuzzer.
 * usage: fuzz_X [DIRECTORY], by default tests/fuzz/corpus/X
 *
 * Each file is given twice: a target that keeps state between inputs then
 * fails here and not only in a long run. The input is copied into a block of
 * exactly its size, so that the sanitizer sees any byte read past the end.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger than any frame, packet or configuration file of ours. */
#define INPUT_MAX (1024 * 1024)
#define PATH_SIZE 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t buffer[INPUT_MAX];

static void
replay(size_t size)
{
	for (int i = 0; i < 2; i++) {
		uint8_t *copy = malloc(size);

		if (copy == NULL && size > 0) {
			abort();
		}
		if (size > 0) {
			memcpy(copy, buffer, size);
		}
		LLVMFuzzerTestOneInput(copy, size);
		free(copy);
	}
}

static int
replay_file(const char *dir, const char *name)
{
	char path[PATH_SIZE + 256];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return -1;
	}
	size = fread(buffer, 1, sizeof(buffer), file);
	fclose(file);
	/* Known before a crash, which ends everything. */
	fprintf(stderr, "%s\n", path);
	replay(size);
	return 0;
}

static void
corpus_path(char *path, size_t size, int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	const char *prefix = "fuzz_";

	if (argc > 1) {
		snprintf(path, size, "%s", argv[1]);
		return;
	}
	name = name == NULL ? argv[0] : name + 1;
	if (strncmp(name, prefix, strlen(prefix)) == 0) {
		name += strlen(prefix);
	}
	snprintf(path, size, "tests/fuzz/corpus/%s", name);
}

int
main(int argc, char **argv)
{
	char path[PATH_SIZE];
	DIR *dir;
	struct dirent *entry;
	size_t files = 0;
	int status = 0;

	corpus_path(path, sizeof(path), argc, argv);
	dir = opendir(path);
	if (dir == NULL) {
		perror(path);
		return 2;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.') {
			continue;
		}
		files++;
		if (replay_file(path, entry->d_name) < 0) {
			status = 1;
		}
	}
	closedir(dir);
	printf("%zu inputs, each twice\n", files);
	return files > 0 ? status : 1;
}
