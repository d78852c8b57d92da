package org.freetransformer.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

class WriteLimitTest {
  @Test
  void whoTakesNothingIsCutOff() throws Exception {
    try (ServerSocketChannel server = ServerSocketChannel.open();
        WriteLimit limit = new WriteLimit(50)) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      try (SocketChannel idle = SocketChannel.open(server.getLocalAddress());
          SocketChannel toIdle = server.accept()) {
        FutureTask<Boolean> writing =
            new FutureTask<>(() -> {
              assertThatThrownBy(() -> limit.run(() -> writeForEver(toIdle)))
                  .isInstanceOf(IOException.class);
              return toIdle.isOpen();
            });
        Thread.ofVirtual().start(writing);
        assertThat(writing.get()).isFalse();
        assertThat(idle.isOpen()).isTrue();
      }
    }
  }

  private static void writeForEver(SocketChannel channel) throws IOException {
    while (true) {
      channel.write(ByteBuffer.allocate(1 << 16));
    }
  }

  @Test
  void whoTakesAllIsLeftAlone() throws Exception {
    int[] runs = new int[1];
    try (WriteLimit limit = new WriteLimit(60_000)) {
      for (int i = 0; i < 100; i++) {
        limit.run(() -> runs[0]++);
      }
    }
    assertThat(runs[0]).isEqualTo(100);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }
}
