using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Kv.Testing.Processes;

/// <summary>Signals that System.Diagnostics.Process cannot send.</summary>
public static class ProcessSignals
{
    private const int Interrupt = 2;
    private const int Terminate = 15;
    private const int Continue = 18;
    private const int Stop = 19;

    public static void SendInterrupt(Process process) => Send(process, Interrupt);

    public static void SendTerminate(Process process) => Send(process, Terminate);

    public static void SendContinue(Process process) => Send(process, Continue);

    /// <summary>Suspends it. The signal is taken when /proc says so.</summary>
    public static Task SuspendAsync(Process process)
    {
        Send(process, Stop);
        return Eventually.HoldsAsync(
            $"process {process.Id} is suspended",
            async () => StateOf(await File.ReadAllTextAsync($"/proc/{process.Id}/stat")) == 'T');
    }

    // The name in parentheses before the state may have spaces and parentheses itself.
    private static char StateOf(string stat) => stat[stat.LastIndexOf(')') + 2];

    private static void Send(Process process, int signal)
    {
        if (SendSignal(process.Id, signal) != 0)
        {
            throw new Win32Exception(
                Marshal.GetLastPInvokeError(), $"Signal {signal} cannot be sent to process {process.Id}.");
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int processId, int signal);
}
