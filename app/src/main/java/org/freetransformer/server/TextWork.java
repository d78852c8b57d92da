package org.freetransformer.server;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.freetransformer.generate.TextGenerator;
import org.freetransformer.generate.TextGenerator.Piece;
import org.freetransformer.tensor.Engine;

/** What the model's thread makes for a client's, which waits for it or passes it on. */
final class TextWork {
  /** Is told, every while, that what a client waits for is still not there. */
  @FunctionalInterface
  interface Waiting {
    /** Sends the client a sign of life. */
    void idle() throws IOException;
  }

  /** Where pieces go. */
  interface PieceSink extends Waiting {
    /** Takes the next piece. */
    void piece(Piece piece) throws IOException;
  }

  private final ModelQueue queue;
  private final TextGenerator generator;
  private final Engine engine;
  private final long patience;

  /**
   * Work with a model.
   *
   * @param patience milliseconds without news after which a client is sent a sign of life
   */
  TextWork(ModelQueue queue, Served served, long patience) {
    this.queue = queue;
    this.generator = served.generator();
    this.engine = served.model().engine();
    this.patience = patience;
  }

  /**
   * All samples, once they are written.
   *
   * @throws IOException as {@link #await} does
   */
  List<TextGenerator.Sample> write(TextGenerator.Request request, Waiting waiting)
      throws IOException {
    return await(() -> generator.generate(request, _ -> queue.requireWanted()), waiting);
  }

  /**
   * What the model's thread makes.
   *
   * @throws IOException if the sign of life fails: the work is given up then
   * @throws HttpError if too many requests wait already, or the server stops
   */
  <T> T await(Callable<T> work, Waiting waiting) throws IOException {
    CountDownLatch done = new CountDownLatch(1);
    FutureTask<T> task = queue.submit(ending(work), done::countDown);
    try {
      while (!done.await(patience, TimeUnit.MILLISECONDS)) {
        waiting.idle();
      }
      return result(task);
    } catch (InterruptedException _) {
      throw HttpError.stopping();
    } finally {
      task.cancel(false);
    }
  }

  /**
   * Work that ends between two instructions of the engine if no one waits for it any more, so that
   * a long prompt need not be read to its end. Recorded programs, of a token each, run through.
   */
  private <T> Callable<T> ending(Callable<T> work) {
    return () -> {
      try (Engine.Mode _ = engine.observe(_ -> queue.requireWanted())) {
        return work.call();
      }
    };
  }

  /** Text under way. Its pieces wait for the client, so that the model does not. */
  final class Stream implements AutoCloseable {
    private final BlockingQueue<Optional<Piece>> pieces = new LinkedBlockingQueue<>();
    private final FutureTask<List<TextGenerator.Sample>> task;

    private Stream(TextGenerator.Request request) {
      Callable<List<TextGenerator.Sample>> work =
          () ->
              generator.generate(
                  request,
                  piece -> {
                    queue.requireWanted();
                    pieces.add(Optional.of(piece));
                  });
      task = queue.submit(ending(work), () -> pieces.add(Optional.empty()));
    }

    /**
     * Passes the pieces on, then returns all samples.
     *
     * @throws IOException if the sink fails
     */
    List<TextGenerator.Sample> passOn(PieceSink sink) throws IOException {
      try {
        while (true) {
          Optional<Piece> next = pieces.poll(patience, TimeUnit.MILLISECONDS);
          if (next == null) {
            sink.idle();
          } else if (next.isPresent()) {
            sink.piece(next.get());
          } else {
            return result(task);
          }
        }
      } catch (InterruptedException _) {
        throw HttpError.stopping();
      }
    }

    /** Ends the text at its next token, if it still goes on. */
    @Override
    public void close() {
      task.cancel(false);
    }
  }

  /**
   * Begins to write.
   *
   * @throws HttpError if too many requests wait already
   */
  Stream stream(TextGenerator.Request request) {
    return new Stream(request);
  }

  /** What a task gives, or the error that its failure means to the client. */
  private static <T> T result(FutureTask<T> task) {
    try {
      return task.get();
    } catch (ExecutionException failed) {
      throw failed.getCause() instanceof HttpError error
          ? error
          : new IllegalStateException(failed.getCause());
    } catch (CancellationException | InterruptedException _) {
      task.cancel(false);
      throw HttpError.stopping();
    }
  }
}
