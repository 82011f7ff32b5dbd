/* A camera that is not there: /dev/video9 for a program that is started with this in LD_PRELOAD.
 *
 * It answers the V4L2 calls of a streaming capture device with two sizes and one format. Its file descriptor is a
 * memory file, so mapping its buffers and polling it need no help. What goes wrong is said by the environment:
 *   FAKE_FORMAT        YUYV (rows padded by 32 bytes), NV12, RGB3 or MJPG
 *   FAKE_JPEG          the file that MJPG frames are
 *   FAKE_DENIED=N      the first N times it is opened, permission is denied
 *   FAKE_BUSY=N        the first N times a format is set, somebody else streams
 *   FAKE_DAMAGED=N     the first N frames are marked as damaged
 *   FAKE_UNPLUG=N      after N frames it is unplugged, once ...
 *   FAKE_GONE=N        ... and not there the next N times it is opened
 * Every picture is red on the left and blue on the right.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATH "/dev/video9"
#define BUFFERS 2
#define BUFFER_SIZE 65536
#define INTERVAL_US 10000

static int fake = -1, streaming, queued[BUFFERS], next_buffer;
static unsigned width = 64, height = 48, frames, opened_while_gone;
static int unplugged;

static unsigned long setting(const char *name) {
    const char *value = getenv(name);
    return value ? strtoul(value, NULL, 10) : 0;
}

/* Whether this still is one of the first times that `name` speaks of. */
static int one_of_the_first(const char *name, unsigned *times) { return (*times)++ < setting(name); }

static __u32 four_cc(void) {
    const char *name = getenv("FAKE_FORMAT");
    if (!name) name = "YUYV";
    return v4l2_fourcc(name[0], name[1], name[2], name[3]);
}

static unsigned stride(void) {
    switch (four_cc()) {
    case V4L2_PIX_FMT_YUYV: return width * 2 + 32;
    case V4L2_PIX_FMT_NV12: return width;
    case V4L2_PIX_FMT_RGB24: return width * 3;
    default: return 0;
    }
}

static size_t draw(unsigned char *to) {
    static const unsigned char red[3] = {81, 90, 240}, blue[3] = {41, 240, 110}; /* Y U V */
    unsigned x, y, line = stride();
    switch (four_cc()) {
    case V4L2_PIX_FMT_YUYV:
        for (y = 0; y < height; y++)
            for (x = 0; x < width; x++) {
                const unsigned char *yuv = x < width / 2 ? red : blue;
                to[y * line + 2 * x] = yuv[0];
                to[y * line + 2 * x + 1] = yuv[1 + x % 2];
            }
        return (size_t)line * height;
    case V4L2_PIX_FMT_NV12:
        for (y = 0; y < height; y++)
            for (x = 0; x < width; x++) {
                const unsigned char *yuv = x < width / 2 ? red : blue;
                to[y * line + x] = yuv[0];
                to[(height + y / 2) * line + x] = yuv[1 + x % 2];
            }
        return (size_t)line * height * 3 / 2;
    case V4L2_PIX_FMT_RGB24:
        for (y = 0; y < height; y++)
            for (x = 0; x < width; x++) {
                to[y * line + 3 * x] = x < width / 2 ? 255 : 0;
                to[y * line + 3 * x + 1] = 0;
                to[y * line + 3 * x + 2] = x < width / 2 ? 0 : 255;
            }
        return (size_t)line * height;
    default: {
        FILE *file = fopen(getenv("FAKE_JPEG"), "rb");
        size_t length = file ? fread(to, 1, BUFFER_SIZE, file) : 0;
        if (file) fclose(file);
        return length;
    }
    }
}

static int fail(int error) {
    errno = error;
    return -1;
}

static int open_fake(void) {
    static unsigned denied;
    if (one_of_the_first("FAKE_DENIED", &denied)) return fail(EACCES);
    if (unplugged && opened_while_gone++ < setting("FAKE_GONE")) return fail(ENOENT);
    unplugged = streaming = next_buffer = 0;
    memset(queued, 0, sizeof queued);
    fake = memfd_create("camera", 0);
    if (ftruncate(fake, BUFFERS * BUFFER_SIZE)) return -1;
    return fake;
}

#define OPEN(name)                                                              \
    int name(const char *path, int flags, ...) {                                \
        va_list rest;                                                           \
        va_start(rest, flags);                                                  \
        int mode = va_arg(rest, int);                                           \
        va_end(rest);                                                           \
        if (!strcmp(path, PATH)) return open_fake();                    \
        int (*original)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);      \
        return original(path, flags, mode);                                     \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    int (*original)(int) = dlsym(RTLD_NEXT, "close");
    if (fd == fake) fake = -1;
    return original(fd);
}

/* The folder of devices has one more. */
static DIR *devices;
static int listed;

DIR *opendir(const char *path) {
    DIR *(*original)(const char *) = dlsym(RTLD_NEXT, "opendir");
    DIR *folder = original(path);
    if (!strcmp(path, "/dev")) devices = folder, listed = 0;
    return folder;
}

struct dirent64 *readdir64(DIR *folder) {
    static struct dirent64 entry = {.d_name = "video9", .d_type = DT_CHR};
    struct dirent64 *(*original)(DIR *) = dlsym(RTLD_NEXT, "readdir64");
    if (folder == devices && !listed) {
        listed = 1;
        return &entry;
    }
    return original(folder);
}

static void describe(struct v4l2_format *format) {
    struct v4l2_pix_format *pix = &format->fmt.pix;
    pix->width = width, pix->height = height, pix->pixelformat = four_cc();
    pix->bytesperline = stride(), pix->sizeimage = BUFFER_SIZE;
    pix->field = V4L2_FIELD_NONE, pix->colorspace = V4L2_COLORSPACE_SMPTE170M;
}

static int dequeue(struct v4l2_buffer *buffer) {
    static unsigned damaged;
    if (unplugged || (setting("FAKE_UNPLUG") && frames == setting("FAKE_UNPLUG"))) {
        if (!unplugged) frames++;
        unplugged = 1;
        return fail(ENODEV);
    }
    if (!streaming || !queued[next_buffer]) return fail(EINVAL);
    usleep(INTERVAL_US);
    unsigned char *memory = mmap(NULL, BUFFER_SIZE, PROT_WRITE, MAP_SHARED, fake, next_buffer * BUFFER_SIZE);
    if (memory == MAP_FAILED) return -1;
    buffer->index = next_buffer;
    buffer->bytesused = draw(memory);
    buffer->flags = one_of_the_first("FAKE_DAMAGED", &damaged) ? V4L2_BUF_FLAG_ERROR : 0;
    munmap(memory, BUFFER_SIZE);
    queued[next_buffer] = 0;
    next_buffer = (next_buffer + 1) % BUFFERS;
    frames++;
    return 0;
}

int ioctl(int fd, unsigned long request, ...) {
    static unsigned busy;
    va_list rest;
    va_start(rest, request);
    void *data = va_arg(rest, void *);
    va_end(rest);
    if (fd != fake || fake < 0) {
        int (*original)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
        return original(fd, request, data);
    }
    switch ((unsigned)request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *known = data;
        memset(known, 0, sizeof *known);
        strcpy((char *)known->driver, "fake");
        strcpy((char *)known->card, "Fake Camera");
        strcpy((char *)known->bus_info, "preload:0");
        known->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        known->capabilities = known->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case VIDIOC_ENUM_FMT: {
        struct v4l2_fmtdesc *format = data;
        if (format->index || format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
        format->pixelformat = four_cc();
        return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES: {
        struct v4l2_frmsizeenum *size = data;
        if (size->index > 1 || size->pixel_format != four_cc()) return fail(EINVAL);
        size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        size->discrete.width = size->index ? 64 : 32;
        size->discrete.height = size->index ? 48 : 24;
        return 0;
    }
    case VIDIOC_S_FMT: {
        struct v4l2_format *format = data;
        if (one_of_the_first("FAKE_BUSY", &busy)) return fail(EBUSY);
        width = format->fmt.pix.width < 48 ? 32 : 64;
        height = width * 3 / 4;
        describe(format);
        return 0;
    }
    case VIDIOC_G_FMT: describe(data); return 0;
    case VIDIOC_S_PARM: return 0;
    case VIDIOC_REQBUFS: {
        struct v4l2_requestbuffers *wanted = data;
        if (wanted->memory != V4L2_MEMORY_MMAP) return fail(EINVAL);
        if (wanted->count > BUFFERS) wanted->count = BUFFERS;
        return 0;
    }
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = data;
        if (buffer->index >= BUFFERS) return fail(EINVAL);
        buffer->length = BUFFER_SIZE;
        buffer->m.offset = buffer->index * BUFFER_SIZE;
        return 0;
    }
    case VIDIOC_QBUF: {
        struct v4l2_buffer *buffer = data;
        if (unplugged) return fail(ENODEV);
        if (buffer->index >= BUFFERS) return fail(EINVAL);
        queued[buffer->index] = 1;
        return 0;
    }
    case VIDIOC_DQBUF: return dequeue(data);
    case VIDIOC_STREAMON: streaming = 1; return 0;
    case VIDIOC_STREAMOFF:
        streaming = 0;
        memset(queued, 0, sizeof queued);
        return 0;
    default: return fail(ENOTTY);
    }
}
