package org.freetransformer.checkpoint;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads one Python pickle (protocols 2 to 5) into plain Java values, and runs nothing: an opcode
 * that is not on the list is refused, and so is each class or function that {@link Types} does not
 * know by name.
 *
 * <p>None becomes null; whole numbers {@link Long} or {@link BigInteger}; fractions {@link Double};
 * text {@link String}; tuples unmodifiable lists; lists {@link ArrayList}; dictionaries {@link
 * LinkedHashMap}, with keys of text, numbers or truth values. Values may share parts, but hold no
 * cycles and nest at most {@value #MAX_DEPTH} deep.
 *
 * <p>Source: the opcode descriptions in CPython's {@code pickletools}.
 */
final class PickleReader {

  /** What names and persistent ids in a pickle stand for. */
  interface Types {
    /**
     * What stands for a class or function.
     *
     * @throws CheckpointException if it is not allowed, naming what is
     */
    Object global(String module, String name);

    /** The result of a call of something that {@link #global} gave. */
    Object call(Object callable, List<@Nullable Object> arguments);

    /** The object that stands outside the pickle under an id. */
    Object persistent(@Nullable Object id);
  }

  static final int MAX_DEPTH = 64;
  static final int MAX_BYTES = 1 << 26;
  private static final int MAX_VALUES = 1 << 21;
  private static final int MAX_WHOLE_BYTES = 255;

  private final ByteBuffer bytes;
  private final String source;
  private final Types types;
  private final List<@Nullable Object> stack = new ArrayList<>();
  private final Deque<Integer> marks = new ArrayDeque<>();
  private final Map<Long, Object> memo = new HashMap<>();
  private int values;

  /**
   * A reader of bytes.
   *
   * @param source the name to print in errors
   */
  PickleReader(ByteBuffer bytes, String source, Types types) {
    this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    this.source = source;
    this.types = types;
    if (bytes.remaining() > MAX_BYTES) {
      throw fail(
          "its pickle has %d bytes; at most %d are read".formatted(bytes.remaining(), MAX_BYTES));
    }
  }

  /**
   * The value.
   *
   * @throws CheckpointException if the pickle is damaged, or holds what is not allowed
   */
  @Nullable Object read() {
    while (true) {
      int opcode = unsignedByte();
      if (opcode == '.') {
        Object value = pop();
        measure(value, 0, new IdentityHashMap<>());
        return value;
      }
      if (!readScalar(opcode) && !readContainer(opcode) && !readReference(opcode)) {
        throw fail(
            "its pickle has the opcode 0x%02x at byte %d, which is not read; allowed are numbers, text, lists, tuples, dictionaries and tensors of pickle protocols 2 to 5"
                .formatted(opcode, bytes.position() - 1));
      }
    }
  }

  private boolean readScalar(int opcode) {
    switch (opcode) {
      case 0x80 -> requireProtocol(unsignedByte()); // PROTO
      case 0x95 -> length(8); // FRAME: its length is a hint
      case 'N' -> push(null); // NONE
      case 0x88 -> push(true); // NEWTRUE
      case 0x89 -> push(false); // NEWFALSE
      case 'J' -> push((long) take(4).getInt()); // BININT
      case 'K' -> push((long) unsignedByte()); // BININT1
      case 'M' -> push((long) Short.toUnsignedInt(take(2).getShort())); // BININT2
      case 0x8a -> push(wholeNumber(length(1))); // LONG1
      case 0x8b -> push(wholeNumber(length(4))); // LONG4
      case 'G' -> push(take(8).order(ByteOrder.BIG_ENDIAN).getDouble()); // BINFLOAT
      case 0x8c, 'U' -> push(text(length(1))); // SHORT_BINUNICODE, SHORT_BINSTRING
      case 'X', 'T' -> push(text(length(4))); // BINUNICODE, BINSTRING
      case 0x8d -> push(text(length(8))); // BINUNICODE8
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean readContainer(int opcode) {
    switch (opcode) {
      case '(' -> marks.push(stack.size()); // MARK
      case ')' -> push(List.of()); // EMPTY_TUPLE
      case 0x85 -> push(tuple(take(1, new ArrayList<>()))); // TUPLE1
      case 0x86 -> push(tuple(take(2, new ArrayList<>()))); // TUPLE2
      case 0x87 -> push(tuple(take(3, new ArrayList<>()))); // TUPLE3
      case 't' -> push(tuple(popMark())); // TUPLE
      case ']' -> push(new ArrayList<>()); // EMPTY_LIST
      case 'l' -> push(popMark()); // LIST
      case 'a' -> append(take(1, new ArrayList<>())); // APPEND
      case 'e' -> append(popMark()); // APPENDS
      case '}' -> push(new LinkedHashMap<>()); // EMPTY_DICT
      case 'd' -> { // DICT
        List<@Nullable Object> items = popMark();
        push(new LinkedHashMap<>());
        setItems(items);
      }
      case 's' -> setItems(take(2, new ArrayList<>())); // SETITEM
      case 'u' -> setItems(popMark()); // SETITEMS
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean readReference(int opcode) {
    switch (opcode) {
      case '0' -> pop(); // POP
      case '1' -> popMark(); // POP_MARK
      case 'q' -> remember(unsignedByte()); // BINPUT
      case 'r' -> remember(Integer.toUnsignedLong(take(4).getInt())); // LONG_BINPUT
      case 0x94 -> remember(memo.size()); // MEMOIZE
      case 'h' -> recall(unsignedByte()); // BINGET
      case 'j' -> recall(Integer.toUnsignedLong(take(4).getInt())); // LONG_BINGET
      case 'c' -> push(types.global(line(), line())); // GLOBAL
      case 0x93 -> { // STACK_GLOBAL
        Object name = pop();
        Object module = pop();
        push(types.global(requireText(module), requireText(name)));
      }
      case 'R' -> { // REDUCE
        List<@Nullable Object> arguments = requireTuple(pop());
        push(types.call(requirePresent(pop()), arguments));
      }
      case 'b' -> { // BUILD: attributes of a dictionary, which say nothing about tensors
        pop();
        if (!(peek() instanceof Map<?, ?>)) {
          throw fail("its pickle sets attributes of something that is not a dictionary");
        }
      }
      case 'Q' -> push(types.persistent(pop())); // BINPERSID
      default -> {
        return false;
      }
    }
    return true;
  }

  private void requireProtocol(int protocol) {
    if (protocol < 2 || protocol > 5) {
      throw fail("its pickle is of protocol %d; allowed are 2 to 5".formatted(protocol));
    }
  }

  private void push(@Nullable Object value) {
    if (++values > MAX_VALUES) {
      throw fail("its pickle holds more than %d values".formatted(MAX_VALUES));
    }
    stack.add(value);
  }

  private @Nullable Object pop() {
    int floor = marks.isEmpty() ? 0 : marks.element();
    if (stack.size() <= floor) {
      throw fail("its pickle is damaged: it takes a value where there is none");
    }
    return stack.removeLast();
  }

  private @Nullable Object peek() {
    Object value = pop();
    stack.add(value);
    return value;
  }

  private List<@Nullable Object> popMark() {
    if (marks.isEmpty()) {
      throw fail("its pickle is damaged: it takes a group where there is none");
    }
    return take(stack.size() - marks.pop(), new ArrayList<>());
  }

  private List<@Nullable Object> take(int count, List<@Nullable Object> into) {
    for (int i = 0; i < count; i++) {
      into.add(pop());
    }
    Collections.reverse(into);
    return into;
  }

  private static List<@Nullable Object> tuple(List<@Nullable Object> items) {
    return Collections.unmodifiableList(items);
  }

  @SuppressWarnings("unchecked") // Every ArrayList on the stack was made here.
  private void append(List<@Nullable Object> items) {
    if (!(peek() instanceof ArrayList<?> list)) {
      throw fail("its pickle is damaged: it appends to something that is not a list");
    }
    ((ArrayList<@Nullable Object>) list).addAll(items);
  }

  @SuppressWarnings("unchecked") // Every LinkedHashMap on the stack was made here.
  private void setItems(List<@Nullable Object> keysAndValues) {
    if (!(peek() instanceof LinkedHashMap<?, ?> map) || keysAndValues.size() % 2 != 0) {
      throw fail("its pickle is damaged: it sets items of something that is not a dictionary");
    }
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      Object key = keysAndValues.get(i);
      if (!(key instanceof String || key instanceof Number || key instanceof Boolean)) {
        throw fail("its pickle has a key that is neither text nor a number");
      }
      ((Map<Object, @Nullable Object>) map).put(key, keysAndValues.get(i + 1));
    }
  }

  private void remember(long id) {
    Object value = peek();
    memo.put(id, value == null ? Absent.NONE : value);
  }

  private void recall(long id) {
    Object value = memo.get(id);
    if (value == null) {
      throw fail("its pickle is damaged: it refers to value %d, which is not there".formatted(id));
    }
    push(value == Absent.NONE ? null : value);
  }

  /** Stands for None in the memo. */
  private enum Absent {
    NONE
  }

  private int unsignedByte() {
    return Byte.toUnsignedInt(take(1).get());
  }

  /** A length of 1, 4 or 8 bytes; those beyond the end are refused where they are used. */
  private long length(int width) {
    return switch (width) {
      case 1 -> unsignedByte();
      case 4 -> Integer.toUnsignedLong(take(4).getInt());
      default -> take(8).getLong();
    };
  }

  private ByteBuffer take(long count) {
    if (count < 0 || count > bytes.remaining()) {
      throw fail(
          "its pickle is cut short: byte %d asks for %s more, %d are left"
              .formatted(bytes.position(), Long.toUnsignedString(count), bytes.remaining()));
    }
    ByteBuffer taken = bytes.slice(bytes.position(), (int) count).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(bytes.position() + (int) count);
    return taken;
  }

  private Number wholeNumber(long count) {
    if (count > MAX_WHOLE_BYTES) {
      throw fail(
          "its pickle has a number of %d bytes; at most %d are read"
              .formatted(count, MAX_WHOLE_BYTES));
    }
    if (count == 0) {
      return 0L;
    }
    ByteBuffer littleEndian = take(count);
    byte[] bigEndian = new byte[(int) count];
    for (int i = 0; i < count; i++) {
      bigEndian[i] = littleEndian.get((int) count - 1 - i);
    }
    BigInteger number = new BigInteger(bigEndian);
    return number.bitLength() < Long.SIZE ? (Number) number.longValueExact() : number;
  }

  private String text(long count) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(take(count)).toString();
    } catch (CharacterCodingException notUtf8) {
      throw new CheckpointException(source, "its pickle has text that is not UTF-8", notUtf8);
    }
  }

  private String line() {
    int from = bytes.position();
    int length = 0;
    while (from + length < bytes.limit() && bytes.get(from + length) != '\n') {
      length++;
    }
    String line = text(length);
    take(1);
    return line;
  }

  private String requireText(@Nullable Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw fail("its pickle is damaged: a name is not text");
  }

  private static Object requirePresent(@Nullable Object value) {
    return value == null ? Absent.NONE : value;
  }

  @SuppressWarnings("unchecked") // Every list on the stack was made here.
  private List<@Nullable Object> requireTuple(@Nullable Object value) {
    if (value instanceof List<?> list && !(value instanceof ArrayList<?>)) {
      return (List<@Nullable Object>) list;
    }
    throw fail("its pickle is damaged: the arguments of a call are not a tuple");
  }

  /**
   * The height of a value; shared parts are measured once, and a cycle shows as too high.
   *
   * @param depth levels above it
   */
  private int measure(@Nullable Object value, int depth, Map<Object, Integer> known) {
    Iterable<?> parts =
        switch (value) {
          case List<?> list -> list;
          case Map<?, ?> map -> map.values();
          case null, default -> List.of();
        };
    int height = value == null ? 0 : known.getOrDefault(value, 0);
    if (height == 0) {
      requireDepth(depth);
      for (Object part : parts) {
        height = Math.max(height, 1 + measure(part, depth + 1, known));
      }
      if (height > 0) {
        known.put(value, height);
      }
    }
    requireDepth(depth + height);
    return height;
  }

  private void requireDepth(int depth) {
    if (depth > MAX_DEPTH) {
      throw fail("its pickle nests deeper than %d levels, or without end".formatted(MAX_DEPTH));
    }
  }

  private CheckpointException fail(String problem) {
    return new CheckpointException(source, problem);
  }
}
