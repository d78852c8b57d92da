package org.freetransformer.tensor.device.simd;

/** Makes a device of more threads than the heap has scratch memory for; says what that left. */
final class ExhaustedDevice {
  private static final int THREADS = 200;

  private ExhaustedDevice() {}

  public static void main(String[] arguments) {
    try {
      new SimdDevice(THREADS).close();
    } catch (OutOfMemoryError expected) {
      System.out.println("no device");
    }
    long threads =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith("ft-team-"))
            .count();
    System.out.println(threads + " threads left");
  }
}
