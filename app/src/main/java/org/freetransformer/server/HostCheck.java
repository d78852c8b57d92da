package org.freetransformer.server;

import java.net.InetAddress;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which names of this machine requests may use. A page of another site that lets its own name point
 * here (DNS rebinding) would pass for ours in a browser; it cannot choose the Host header, though.
 */
final class HostCheck {
  private final Set<String> names = new LinkedHashSet<>();

  /**
   * Names for an address.
   *
   * @param host as the user named it
   * @param address where the server listens: others than loopback go by any name
   */
  HostCheck(String host, InetAddress address) {
    if (address.isLoopbackAddress()) {
      names.add("localhost");
      names.add("127.0.0.1");
      names.add("[::1]");
      names.add(inUrl(host));
    }
  }

  /** A host as it stands in a URL. */
  static String inUrl(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    return name.contains(":") && !name.startsWith("[") ? "[" + name + "]" : name;
  }

  /**
   * Checks the Host header of a request.
   *
   * @throws HttpError if it is missing, or names another host
   */
  void require(@Nullable String header) {
    String given = header == null ? "" : header.strip().toLowerCase(Locale.ROOT);
    String name = given.replaceFirst(":[0-9]*$", "");
    if (!names.isEmpty() && !names.contains(name)) {
      throw new HttpError(
          HttpError.FORBIDDEN,
          "Host '%s': allowed are %s".formatted(name, String.join(", ", names)));
    }
  }
}
