package io.sluice.daemon;

import java.util.concurrent.CountDownLatch;

/** A service of a process of its own that serves nothing: for signals. */
final class ServiceProcess {
    private ServiceProcess() {}

    /** Takes "quick", or "stuck" for one whose end never comes. */
    public static void main(String[] arguments) throws Exception {
        boolean stuck = arguments[0].equals("stuck");
        boolean finished =
                Service.ofThisProcess(() -> Runtime.getRuntime().halt(1)).run(stop -> new Nothing(stuck), () -> true);
        System.exit(finished ? 0 : 1);
    }

    private record Nothing(boolean stuck) implements Service.Served {
        @Override
        public String status() {
            return "serving nothing";
        }

        @Override
        public boolean close() {
            System.out.println("closing");
            if (stuck) {
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return true;
        }

        @Override
        public void closeNow() {
            System.out.println("closing now");
        }
    }
}
