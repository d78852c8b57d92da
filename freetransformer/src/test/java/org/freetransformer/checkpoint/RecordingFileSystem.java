package org.freetransformer.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.StandardOpenOption;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The default file system, which also writes down what is done to it, for {@link PowerLoss}. */
final class RecordingFileSystem extends FileSystemProvider {

  /** Something done to files. Paths are real ones. */
  sealed interface Change {
    /** A folder was made. */
    record MakeFolder(Path folder) implements Change {}

    /** A file was made, or emptied. */
    record MakeFile(Path file) implements Change {}

    /** Bytes were written to a file's end. */
    @SuppressWarnings("ArrayRecordComponent") // Replayed; equality means nothing.
    record Write(Path file, byte[] bytes) implements Change {}

    /** A file's content, or a folder's list of names, was flushed. */
    record Flush(Path path) implements Change {}

    /** A name was changed, over another one of the same kind or none. */
    record Rename(Path from, Path to) implements Change {}

    /** A symbolic link was made. */
    record Link(Path link, Path target) implements Change {}

    /** A file or an empty folder was removed. */
    record Remove(Path path) implements Change {}
  }

  private final FileSystemProvider real = Path.of("").getFileSystem().provider();
  private final FileSystem fileSystem = new Delegate();
  private final List<Change> changes = new ArrayList<>();
  private Predicate<Path> inUse = _ -> false;
  private Predicate<Path> nailed = _ -> false;
  private Predicate<Path> locked = _ -> false;

  /** Lets files and folders be in use from now on, which then cannot be deleted. */
  void use(Predicate<Path> files) {
    inUse = files;
  }

  /** Lets files and folders keep their names from now on. */
  void nail(Predicate<Path> files) {
    nailed = files;
  }

  /** Lets folders not be listed from now on. */
  void lock(Predicate<Path> folders) {
    locked = folders;
  }

  /** What was done so far. */
  List<Change> changes() {
    return changes;
  }

  /** A path of this file system. */
  Path wrap(Path path) {
    return (Path)
        Proxy.newProxyInstance(
            RecordingFileSystem.class.getClassLoader(),
            new Class<?>[] {Wrapped.class},
            (_, method, arguments) -> {
              if (method.getDeclaringClass() == Wrapped.class) {
                return path;
              }
              if (method.getName().equals("getFileSystem")) {
                return fileSystem;
              }
              Object[] words = arguments == null ? new Object[0] : arguments.clone();
              for (int i = 0; i < words.length; i++) {
                words[i] = words[i] instanceof Path wrapped ? unwrap(wrapped) : words[i];
              }
              try {
                Object result = method.invoke(path, words);
                return result instanceof Path plain ? wrap(plain) : result;
              } catch (InvocationTargetException failure) {
                throw Objects.requireNonNull(failure.getCause());
              }
            });
  }

  /** A path that knows the real one. */
  interface Wrapped extends Path {
    Path real();
  }

  private static Path unwrap(Path path) {
    return path instanceof Wrapped wrapped ? wrapped.real() : path;
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    Path file = unwrap(path);
    FileChannel channel = real.newFileChannel(file, options, attributes);
    if (options.contains(StandardOpenOption.WRITE)) {
      changes.add(new Change.MakeFile(file));
    }
    return new RecordingChannel(file, channel);
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return newFileChannel(path, options, attributes);
  }

  @Override
  public void createDirectory(Path folder, FileAttribute<?>... attributes) throws IOException {
    real.createDirectory(unwrap(folder), attributes);
    changes.add(new Change.MakeFolder(unwrap(folder)));
  }

  @Override
  public void createSymbolicLink(Path link, Path target, FileAttribute<?>... attributes)
      throws IOException {
    real.createSymbolicLink(unwrap(link), unwrap(target), attributes);
    changes.add(new Change.Link(unwrap(link), unwrap(target)));
  }

  @Override
  public void delete(Path path) throws IOException {
    if (inUse.test(unwrap(path))) {
      throw new FileSystemException(path.toString(), null, "Device or resource busy");
    }
    real.delete(unwrap(path));
    changes.add(new Change.Remove(unwrap(path)));
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) throws IOException {
    if (nailed.test(unwrap(source))) {
      throw new FileSystemException(source.toString(), null, "Device or resource busy");
    }
    real.move(unwrap(source), unwrap(target), options);
    changes.add(new Change.Rename(unwrap(source), unwrap(target)));
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path folder, DirectoryStream.Filter<? super Path> filter) throws IOException {
    if (locked.test(unwrap(folder))) {
      throw new AccessDeniedException(folder.toString());
    }
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> paths = Files.newDirectoryStream(unwrap(folder))) {
      for (Path path : paths) {
        if (filter.accept(wrap(path))) {
          found.add(wrap(path));
        }
      }
    }
    return new DirectoryStream<>() {
      @Override
      public Iterator<Path> iterator() {
        return found.iterator();
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    return real.readAttributes(unwrap(path), type, options);
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String names, LinkOption... options)
      throws IOException {
    return real.readAttributes(unwrap(path), names, options);
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return real.getFileAttributeView(unwrap(path), type, options);
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    real.checkAccess(unwrap(path), modes);
  }

  @Override
  public boolean isSameFile(Path one, Path other) throws IOException {
    return real.isSameFile(unwrap(one), unwrap(other));
  }

  @Override
  public boolean isHidden(Path path) throws IOException {
    return real.isHidden(unwrap(path));
  }

  @Override
  public FileStore getFileStore(Path path) throws IOException {
    return real.getFileStore(unwrap(path));
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) {
    throw new UnsupportedOperationException("nothing copies files here");
  }

  @Override
  public void setAttribute(Path path, String name, Object value, LinkOption... options) {
    throw new UnsupportedOperationException("nothing sets attributes here");
  }

  @Override
  public String getScheme() {
    return "recording";
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> environment) {
    throw new UnsupportedOperationException("there is one");
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    return fileSystem;
  }

  @Override
  public Path getPath(URI uri) {
    return wrap(real.getPath(uri));
  }

  /** Paths of this file system lead here. */
  private final class Delegate extends FileSystem {
    private final FileSystem plain = Path.of("").getFileSystem();

    @Override
    public FileSystemProvider provider() {
      return RecordingFileSystem.this;
    }

    @Override
    public void close() {
      throw new UnsupportedOperationException("it stays open");
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public boolean isReadOnly() {
      return false;
    }

    @Override
    public String getSeparator() {
      return plain.getSeparator();
    }

    @Override
    public Iterable<Path> getRootDirectories() {
      return plain.getRootDirectories();
    }

    @Override
    public Iterable<FileStore> getFileStores() {
      return plain.getFileStores();
    }

    @Override
    public Set<String> supportedFileAttributeViews() {
      return plain.supportedFileAttributeViews();
    }

    @Override
    public Path getPath(String first, String... more) {
      return wrap(plain.getPath(first, more));
    }

    @Override
    public PathMatcher getPathMatcher(String pattern) {
      return plain.getPathMatcher(pattern);
    }

    @Override
    public UserPrincipalLookupService getUserPrincipalLookupService() {
      return plain.getUserPrincipalLookupService();
    }

    @Override
    public WatchService newWatchService() throws IOException {
      return plain.newWatchService();
    }
  }

  /** A channel that writes down what is written and flushed. */
  private final class RecordingChannel extends FileChannel {
    private final Path file;
    private final FileChannel channel;

    RecordingChannel(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
      ByteBuffer copy = source.duplicate();
      int length = channel.write(source);
      byte[] bytes = new byte[length];
      copy.get(bytes);
      changes.add(new Change.Write(file, bytes));
      return length;
    }

    @Override
    public void force(boolean metadata) throws IOException {
      channel.force(metadata);
      changes.add(new Change.Flush(file));
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
      return channel.read(target);
    }

    @Override
    public long position() throws IOException {
      return channel.position();
    }

    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public MemorySegment map(MapMode mode, long offset, long size, Arena arena) throws IOException {
      return channel.map(mode, offset, size, arena);
    }

    @Override
    protected void implCloseChannel() throws IOException {
      channel.close();
    }

    private static UnsupportedOperationException unused() {
      return new UnsupportedOperationException("checkpoints do not use this");
    }

    @Override
    public long read(ByteBuffer[] targets, int offset, int length) {
      throw unused();
    }

    @Override
    public int read(ByteBuffer target, long position) {
      throw unused();
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
      throw unused();
    }

    @Override
    public int write(ByteBuffer source, long position) {
      throw unused();
    }

    @Override
    public FileChannel position(long position) {
      throw unused();
    }

    @Override
    public FileChannel truncate(long size) {
      throw unused();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
      throw unused();
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long position, long count) {
      throw unused();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
      throw unused();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
      throw unused();
    }

    @Override
    public @Nullable FileLock tryLock(long position, long size, boolean shared) {
      throw unused();
    }
  }
}
