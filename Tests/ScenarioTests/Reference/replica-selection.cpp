// Replica selection while servers change their speed, by other means than Weir's: no shared code. The rules are those of C3's
// simulator, absim (Suresh et al., NSDI 2015). It gave the means and deviations over runs that the scenarios
// Scenarios/papers/c3-fluctuation-{10,500}ms.yaml speak of.
//
// 150 clients, 50 servers of four workers, exponential service whose mean each server draws anew every T ms: 4 or 4/3 ms. Two hundred
// generators, each with gaps of a Poisson number of milliseconds, 70 requests a millisecond in all; the data of a request is on
// three neighbouring servers; a tenth of the requests is read from the other two as well. Messages take 0.25 ms. 600,000 requests;
// those answered in the first 2 s do not count. Prints mean, p50, p99 of each run, then mean and deviation of the p99s.
//
//   c++ -O2 -o replica-selection replica-selection.cpp && ./replica-selection POLICY T RUNS
//   POLICY: roundRobin leastOutstanding c3 c3rates oracle
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace {
constexpr int servers = 50, clients = 150, workers = 4, copies = 3, generators = 200;
constexpr double network = 0.25, repairs = 0.1, newest = 0.9, interval = 20, warmUp = 2000;

enum Kind { redraw, arrives, served, answered, generates, retries };
struct Event {
  double at;
  long order;
  Kind kind;
  int subject, other;
  bool operator<(const Event& right) const { return at > right.at || (at == right.at && order > right.order); }
};
struct Task {
  double wanted, sent, service;
  int client, server, queue;
  bool isRepair;
};
struct Server {
  double mean = 4;
  int busy = 0;
  std::deque<int> waiting;
};
// What a client knows of a server, and how fast it may send there (requests an interval).
struct View {
  int pending = 0;
  bool isKnown = false;
  double network = 0, service = 0, queue = 0;
  double rate = 5, tokens = 5, counted = 0, formerRate = 5, cut = 0, grown = 0;
  double received = 0, ticked = 0;
  int answers = 0;
};

class Run {
 public:
  Run(std::string policy, double period, unsigned seed) : policy(policy), period(period), random(seed) {}

  std::vector<double> latencies() {
    const long each = 600000 / generators;
    std::vector<long> left(generators, each);
    std::poisson_distribution<int> gap(generators * 4.0 / (servers * workers * 1.4));
    hasRates = policy == "c3rates";
    drawSpeeds();
    schedule(period, redraw);
    for (int generator = 0; generator < generators; generator++) schedule(0, generates, generator);
    std::vector<double> latencies;
    for (long done = 0; done < each * generators;) {
      Event event = events.top();
      events.pop();
      now = event.at;
      switch (event.kind) {
        case redraw: drawSpeeds(); schedule(now + period, redraw); break;
        case arrives: arrive(event.subject); break;
        case served: finish(event.subject); break;
        case answered:
          learn(tasks[event.subject]);
          if (!tasks[event.subject].isRepair) {
            done++;
            if (now > warmUp) latencies.push_back(now - tasks[event.subject].wanted);
          }
          free.push_back(event.subject);
          break;
        case generates:
          if (left[event.subject]-- <= 0) break;
          want();
          schedule(now + gap(random), generates, event.subject);
          break;
        case retries: {
          int client = event.subject / servers, group = event.subject % servers;
          isWaiting[client][group] = false;
          views[client][event.other].tokens = 1;
          views[client][event.other].counted = now;
          sendBacklog(client, group);
          break;
        }
      }
    }
    std::sort(latencies.begin(), latencies.end());
    return latencies;
  }

 private:
  std::string policy;
  double period, now = 0;
  bool hasRates = false;
  std::mt19937_64 random;
  std::priority_queue<Event> events;
  long order = 0;
  std::vector<Task> tasks;
  std::vector<int> free;
  std::array<Server, servers> all;
  std::array<std::array<View, servers>, clients> views;
  std::array<std::array<int, servers>, clients> turns{};
  std::array<std::array<std::deque<int>, servers>, clients> backlog;
  std::array<std::array<bool, servers>, clients> isWaiting{};

  double unit() { return std::uniform_real_distribution<double>(0, 1)(random); }
  void schedule(double at, Kind kind, int subject = 0, int other = 0) { events.push({at, order++, kind, subject, other}); }
  void drawSpeeds() {
    for (Server& server : all) server.mean = unit() < 0.5 ? 4 : 4.0 / 3;
  }
  int add(Task task) {
    if (free.empty()) {
      tasks.push_back(task);
      return int(tasks.size()) - 1;
    }
    int place = free.back();
    free.pop_back();
    tasks[place] = task;
    return place;
  }

  void want() {
    int client = int(random() % clients), group = int(random() % servers);
    int task = add({now, now, 0, client, 0, 0, false});
    if (hasRates) {
      backlog[client][group].push_back(task);
      if (!isWaiting[client][group]) sendBacklog(client, group);
    } else {
      send(task, client, ranked(client, group)[0], group);
    }
  }
  void send(int task, int client, int server, int group) {
    dispatch(task, client, server);
    if (unit() >= repairs) return;
    for (int place = 0; place < copies; place++) {
      int other = (group + place) % servers;
      if (other == server) continue;
      dispatch(add({now, now, 0, client, other, 0, true}), client, other);
      views[client][other].tokens = std::max(0.0, views[client][other].tokens - 1);
    }
  }
  void dispatch(int task, int client, int server) {
    tasks[task].server = server;
    tasks[task].sent = now;
    views[client][server].pending++;
    schedule(now + network, arrives, task);
  }
  std::array<int, copies> ranked(int client, int group) {
    std::array<int, copies> order;
    for (int place = 0; place < copies; place++) order[place] = (group + place) % servers;
    if (policy == "roundRobin") {
      std::rotate(order.begin(), order.begin() + turns[client][group], order.end());
      turns[client][group] = (turns[client][group] + 1) % copies;
      return order;
    }
    std::shuffle(order.begin(), order.end(), random);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return score(client, a) < score(client, b); });
    return order;
  }
  double score(int client, int server) {
    const View& view = views[client][server];
    if (policy == "leastOutstanding") return view.pending;
    if (policy == "oracle") return (1 + all[server].busy + double(all[server].waiting.size())) * all[server].mean;
    if (!view.isKnown) return 0;
    double queue = 1 + double(view.pending) * clients + view.queue;
    return view.network + queue * queue * queue * view.service;
  }

  double tokens(const View& view) { return std::min(50.0, view.tokens + view.rate / interval * (now - view.counted)); }
  void sendBacklog(int client, int group) {
    while (!backlog[client][group].empty()) {
      double leastWait = 1e10;
      int soonest = -1;
      bool isSent = false;
      for (int server : ranked(client, group)) {
        View& view = views[client][server];
        double available = tokens(view);
        if (available >= 1 - 1e-9) {
          int task = backlog[client][group].front();
          backlog[client][group].pop_front();
          view.tokens = available - 1;
          view.counted = now;
          send(task, client, server, group);
          isSent = true;
          break;
        }
        double wait = (1 - available) * interval / view.rate;
        if (wait < leastWait) leastWait = wait, soonest = server;
      }
      if (isSent) continue;
      isWaiting[client][group] = true;
      schedule(now + leastWait, retries, client * servers + group, soonest);
      return;
    }
  }

  void arrive(int task) {
    Server& server = all[tasks[task].server];
    if (server.busy < workers) begin(task); else server.waiting.push_back(task);
  }
  void begin(int task) {
    Server& server = all[tasks[task].server];
    server.busy++;
    tasks[task].service = -server.mean * std::log(1 - unit());
    schedule(now + tasks[task].service, served, task);
  }
  void finish(int task) {
    Server& server = all[tasks[task].server];
    server.busy--;
    if (!server.waiting.empty()) {
      int next = server.waiting.front();
      server.waiting.pop_front();
      begin(next);
    }
    tasks[task].queue = int(server.waiting.size());
    schedule(now + network, answered, task);
  }
  void learn(const Task& task) {
    View& view = views[task.client][task.server];
    view.pending--;
    double share = view.isKnown ? newest : 1;
    view.network += share * (now - task.sent - task.service - view.network);
    view.service += share * (task.service - view.service);
    view.queue += share * (task.queue - view.queue);
    view.isKnown = true;
    long passed = std::min(400L, long(now / interval) - long(view.ticked / interval));
    for (; passed > 0; passed--, view.answers = 0) view.received = 0.1 * view.answers + 0.9 * view.received;
    view.ticked = now;
    view.answers++;
    if (view.rate < view.received) {
      double target = 4e-6 * std::pow(now - view.cut - std::cbrt(view.formerRate * 0.2 / 4e-6), 3) + view.formerRate;
      view.rate = std::max(0.01, std::min(view.rate + 10, target));
      view.grown = now;
    } else if (view.received > 0 && view.rate > view.received && now - view.grown > 2 * interval) {
      view.formerRate = view.rate;
      view.rate = std::max(0.01, view.rate * 0.2);
      view.cut = now;
    }
  }
};
}  // namespace

int main(int count, char** words) {
  if (count < 4) return 2;
  double sum = 0, squares = 0, means = 0;
  int runs = std::atoi(words[3]);
  for (int run = 1; run <= runs; run++) {
    std::vector<double> latencies = Run(words[1], std::atof(words[2]), unsigned(run)).latencies();
    double mean = 0, p99 = latencies[latencies.size() * 99 / 100];
    for (double latency : latencies) mean += latency / double(latencies.size());
    std::printf("%8.2f %8.2f %8.2f\n", mean, latencies[latencies.size() / 2], p99);
    sum += p99, squares += p99 * p99, means += mean;
  }
  std::printf("%s, %s ms: mean %.2f, p99 %.1f, its deviation %.1f\n", words[1], words[2], means / runs, sum / runs,
              std::sqrt(squares / runs - sum / runs * sum / runs));
}
