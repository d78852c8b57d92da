package org.freetransformer.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.Nearest;
import org.jspecify.annotations.Nullable;

/**
 * The JSON header of a safetensors file: {@code {"name": {"dtype": "F32", "shape": [2, 3],
 * "data_offsets": [0, 24]}, …, "__metadata__": {"key": "text"}}}. The tensors must fill the data
 * that follows without gap or overlap.
 *
 * @param metadata texts by key
 * @param tensors in the order of their data
 */
record SafeTensorsHeader(Map<String, String> metadata, List<Placed> tensors) {

  /**
   * A tensor and its place.
   *
   * @param begin its first byte, counted from the end of the header
   * @param end the byte after its last
   */
  record Placed(TensorEntry entry, long begin, long end) {}

  static final String METADATA = "__metadata__";

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(8).build())
          .build();

  SafeTensorsHeader {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    tensors = List.copyOf(tensors);
  }

  /**
   * Reads and checks a header.
   *
   * @param source the name to print in errors
   * @param dataBytes bytes that follow the header
   * @throws CheckpointException if anything is not as the format says
   */
  static SafeTensorsHeader parse(String json, String source, long dataBytes) {
    try (JsonParser parser = JSON.createParser(json)) {
      SafeTensorsHeader header = new Reader(parser, source).readHeader();
      header.requireNoGaps(source, dataBytes);
      return header;
    } catch (JsonProcessingException malformed) {
      throw CheckpointException.damaged(
          source,
          "the header is not valid JSON: " + ConfigJson.reason(malformed.getOriginalMessage()),
          malformed);
    } catch (IOException malformed) {
      throw CheckpointException.damaged(source, "the header cannot be read", malformed);
    }
  }

  private void requireNoGaps(String source, long dataBytes) {
    long expected = 0;
    for (Placed tensor : tensors) {
      if (tensor.begin() != expected) {
        throw CheckpointException.damaged(
            source,
            "tensor '%s' begins at byte %d, where the one before ends at %d; gaps and overlaps are not allowed"
                .formatted(tensor.entry().name(), tensor.begin(), expected));
      }
      expected = tensor.end();
    }
    if (expected != dataBytes) {
      throw CheckpointException.damaged(
          source,
          "the header describes %d bytes of data, but the file has %d%s"
              .formatted(expected, dataBytes, expected > dataBytes ? "; it is cut short" : ""));
    }
  }

  /** One pass over the header's JSON. */
  private static final class Reader {
    private final JsonParser parser;
    private final String source;

    Reader(JsonParser parser, String source) {
      this.parser = parser;
      this.source = source;
    }

    SafeTensorsHeader readHeader() throws IOException {
      expect(JsonToken.START_OBJECT, parser.nextToken(), "the header");
      Map<String, String> metadata = new LinkedHashMap<>();
      List<Placed> tensors = new ArrayList<>();
      Set<String> names = new HashSet<>();
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        if (!names.add(name)) {
          throw fail("'%s' stands twice in the header".formatted(name));
        }
        if (name.equals(METADATA)) {
          readMetadata(metadata);
        } else {
          tensors.add(readTensor(name));
        }
      }
      if (parser.nextToken() != null) {
        throw fail("text follows the header's last brace; only spaces are allowed");
      }
      tensors.sort(Comparator.comparingLong(Placed::begin).thenComparingLong(Placed::end));
      return new SafeTensorsHeader(metadata, tensors);
    }

    private void readMetadata(Map<String, String> metadata) throws IOException {
      expect(JsonToken.START_OBJECT, parser.nextToken(), METADATA);
      for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
        expect(JsonToken.VALUE_STRING, parser.nextToken(), METADATA + "." + key);
        if (metadata.put(key, parser.getText()) != null) {
          throw fail("'%s.%s' stands twice in the header".formatted(METADATA, key));
        }
      }
    }

    private Placed readTensor(String name) throws IOException {
      expect(JsonToken.START_OBJECT, parser.nextToken(), name);
      TensorType type = null;
      List<Long> shape = null;
      List<Long> offsets = null;
      for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
        switch (key) {
          case "dtype" -> type = readType(name, type);
          case "shape" -> shape = readNumbers(name, key, shape);
          case "data_offsets" -> offsets = readNumbers(name, key, offsets);
          default ->
              throw fail(
                  "tensor '%s' has an unknown field '%s'; allowed are dtype, shape, data_offsets"
                      .formatted(name, key));
        }
      }
      if (type == null || shape == null || offsets == null || offsets.size() != 2) {
        throw fail(
            "tensor '%s' needs a dtype, a shape and data_offsets of two numbers".formatted(name));
      }
      Placed tensor =
          new Placed(new TensorEntry(name, type, shape), offsets.getFirst(), offsets.getLast());
      requireSize(tensor);
      return tensor;
    }

    private TensorType readType(String tensor, @Nullable TensorType before) throws IOException {
      requireFirst(tensor, "dtype", before);
      expect(JsonToken.VALUE_STRING, parser.nextToken(), tensor + ".dtype");
      String name = parser.getText();
      return TensorType.named(name)
          .orElseThrow(() -> {
            List<String> names = Arrays.stream(TensorType.values()).map(Enum::name).toList();
            String near = Nearest.to(name, names).map(n -> "; nearest is " + n).orElse("");
            return fail(
                "tensor '%s' has the unknown dtype '%s'; allowed are %s%s"
                    .formatted(tensor, name, String.join(", ", names), near));
          });
    }

    private List<Long> readNumbers(String tensor, String key, @Nullable List<Long> before)
        throws IOException {
      requireFirst(tensor, key, before);
      expect(JsonToken.START_ARRAY, parser.nextToken(), tensor + "." + key);
      List<Long> numbers = new ArrayList<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        expect(JsonToken.VALUE_NUMBER_INT, parser.currentToken(), tensor + "." + key);
        long number = parser.getLongValue();
        if (number < 0) {
          throw fail("tensor '%s' has %d in its %s".formatted(tensor, number, key));
        }
        numbers.add(number);
      }
      return numbers;
    }

    private void requireFirst(String tensor, String key, @Nullable Object before) {
      if (before != null) {
        throw fail("tensor '%s' has its %s twice".formatted(tensor, key));
      }
    }

    private void requireSize(Placed placed) {
      TensorEntry tensor = placed.entry();
      long held = placed.end() - placed.begin();
      try {
        long needed = TensorEntry.bytes(tensor.type(), tensor.shape());
        if (held == needed) {
          return;
        }
        throw fail(
            "tensor '%s' of %s %s needs %d bytes, but its offsets %d to %d hold %d"
                .formatted(
                    tensor.name(),
                    tensor.type(),
                    tensor.shape(),
                    needed,
                    placed.begin(),
                    placed.end(),
                    held));
      } catch (ArithmeticException overflow) {
        throw fail(
            "tensor '%s' of shape %s is larger than any file"
                .formatted(tensor.name(), tensor.shape()));
      }
    }

    private void expect(JsonToken wanted, @Nullable JsonToken found, String where) {
      if (found != wanted) {
        throw fail("%s must be %s, not %s".formatted(where, describe(wanted), describe(found)));
      }
    }

    private static String describe(@Nullable JsonToken token) {
      return switch (token) {
        case null -> "nothing";
        case START_OBJECT -> "an object";
        case START_ARRAY -> "a list";
        case VALUE_STRING -> "text";
        case VALUE_NUMBER_INT -> "whole numbers";
        case VALUE_NUMBER_FLOAT -> "a number with a fraction";
        default -> token.name();
      };
    }

    private CheckpointException fail(String problem) {
      return CheckpointException.damaged(source, problem);
    }
  }
}
